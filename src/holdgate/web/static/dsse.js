// Signed envelopes (DSSE v1): everybody signs the same bytes, type included (docs/spec/envelope.md).

import { base64, canonical, utf8 } from "./canon.js";

export const ACTION = "application/vnd.holdgate.action.v1+json";
export const LOGIN = "application/vnd.holdgate.login.v1+json";

export function pae(type, payload) {
  const head = utf8(`DSSEv1 ${utf8(type).length} ${type} ${payload.length} `);
  const whole = new Uint8Array(head.length + payload.length);
  whole.set(head);
  whole.set(payload, head.length);
  return whole;
}

// `signers`: [{ id, sign }], where sign(message) gives the bytes of a signature.
export async function seal(type, payload, signers) {
  const message = pae(type, payload);
  const signatures = [];
  for (const { id, sign } of signers) signatures.push({ keyid: id, sig: base64(await sign(message)) });
  return canonical({ payload: base64(payload), payloadType: type, signatures });
}
