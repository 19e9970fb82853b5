// The roster: who is enrolled, under which key, folded from the charter and from what the record says of people and sites.
// A key counts for what stands after its enrolment, never for what stands before.
// Source: docs/spec/charter.md, docs/spec/envelope.md, "Who must have signed".

import { Fault, fromBase64, toHex } from "./bytes.js";
import { encode } from "./canon.js";
import { readSeat } from "./charter.js";
import { PUBLIC_BYTES, checkKey } from "./ed25519.js";
import { readPasskey } from "./passkey.js";

const OFFICERS = ["admin", "qa", "compliance", "project_manager"];

// Event → the act that may say it, and what the event has to repeat of the act, word for word.
const SAYS = {
  IdentityEnrolled: ["identity.enrol", ["id", "name", "org", "kind", "key", "roles", "zone", "node", "sealing_key"]],
  IdentityRekeyed: ["identity.rekey", ["id", "key", "sealing_key"]],
  IdentityDisabled: ["identity.disable", ["id"]],
  SiteEnrolled: ["site.enrol", ["id", "kind", "origin", "key", "sealing_key"]],
  SiteRetired: ["site.retire", ["id"]],
};
const ACTS = new Map(Object.entries(SAYS).map(([event, [act]]) => [act, event]));
const NEW_KEY = ["identity.enrol", "identity.rekey", "site.enrol"];
const SPONSORED = [...NEW_KEY, "site.retire"];

/** Who is enrolled by now. */
export class Roster {
  constructor(charter) {
    this.people = new Map();
    this.owners = new Map();
    this.sites = [];
    for (const seat of charter.sites) this.#seat(seat);
    for (const founder of charter.founders) this.#enrol(founder);
  }

  #seat(seat) {
    checkKey(seat.key, `the key of ${seat.id}`);
    this.sites.push(seat);
    this.#enrol({ id: seat.id, name: seat.id, kind: "site", roles: [seat.kind], key: seat.key });
  }

  #enrol(person) {
    this.people.set(person.id, person);
    this.owners.set(toHex(rawKey(person.key)), person.id);
  }

  /** The name that somebody is enrolled with; empty where nobody is. */
  nameOf(id) {
    return this.people.get(id)?.name ?? "";
  }

  /** The keys that must have signed an act: every signer's, and the workstation's. */
  keysOf(command) {
    const keys = command.signers.map((signer) => [signer.id, this.#keyOf(signer, command)]);
    const place = command.place;
    if (place !== undefined && command.signers.every((signer) => signer.id !== place)) {
      keys.push([place, this.#known(place).key]);
    }
    return keys;
  }

  /** The same, with the keys that were replaced: a site that was away does not know of that, and its entries count. */
  keysSince(command) {
    return this.keysOf(command).map(([id, key]) => [id, key, this.people.get(id)?.earlier ?? []]);
  }

  #keyOf(signer, command) {
    const asks = NEW_KEY.includes(command.act) && signer.id === command.id;
    const replaces = command.act === "identity.rekey" && signer.role === "newcomer";
    if (asks && (replaces || !this.people.has(signer.id))) return fromBase64(command.key, `the key of ${signer.id}`);
    return this.#known(signer.id).key;
  }

  #known(id) {
    const known = this.people.get(id);
    if (known === undefined) throw new Fault(`${id} had signed, but was not enrolled by then`);
    return known;
  }

  /** Whether each signer says truly whether they sign with a passkey. */
  checkKinds(command, keys) {
    for (const signer of command.signers) {
      const [, key] = keys.find(([id]) => id === signer.id);
      const kind = key.length === PUBLIC_BYTES ? "ed25519" : "webauthn";
      if ((signer.kind ?? "ed25519") !== kind)
        throw new Fault(`${signer.id} signs with another kind of key than it says`);
    }
  }

  /** Fold what an entry of the business hub says of people and sites; it has to be what its signed act says. */
  fold(command, decision) {
    const said = (decision.events ?? []).filter((event) => Object.hasOwn(SAYS, event.ev));
    const wanted = decision.verdict === "allow" ? ACTS.get(command.act) : undefined;
    if (said.length !== (wanted === undefined ? 0 : 1)) {
      throw new Fault("what it says of people or sites does not follow from the act that was signed");
    }
    for (const event of said) {
      checkRepeats(event, command);
      this.#checkSponsors(command);
      this.#apply(event);
    }
  }

  /** The people who sign as officers, but for the one whom the act is about. */
  officersOf(command) {
    return command.signers.filter(
      (signer) =>
        signer.id !== command.id && OFFICERS.includes(signer.role) && this.people.get(signer.id)?.kind === "person",
    );
  }

  #checkSponsors(command) {
    if (!SPONSORED.includes(command.act)) return;
    if (this.officersOf(command).length < 2) throw new Fault(`fewer than two officers signed what it says of ${command.id}`);
    const rekeys = command.act === "identity.rekey";
    const proved = (signer) => signer.id === command.id && (!rekeys || signer.role === "newcomer");
    if (NEW_KEY.includes(command.act) && !command.signers.some(proved)) {
      throw new Fault(`${command.id} did not sign with the new key`);
    }
  }

  #apply(event) {
    if (event.ev === "IdentityDisabled" || event.ev === "SiteRetired") {
      if (!this.people.has(event.id)) throw new Fault(`${event.id} is not enrolled`);
      return; // the key still says who signed; whether they were allowed to is for the law to say
    }
    const key = fromBase64(event.key, `the key of ${event.id}`);
    const known = this.people.get(event.id);
    const kind = event.ev === "SiteEnrolled" ? "site" : (known ?? event).kind;
    checkKeyOf(event.id, kind, key);
    if ((known !== undefined) !== (event.ev === "IdentityRekeyed"))
      throw new Fault(`${event.id} is enrolled already, or not yet`);
    const owner = this.owners.get(toHex(rawKey(key)));
    if (owner !== undefined) throw new Fault(`the key of ${event.id} is, or was, that of ${owner}`);
    if (event.ev === "SiteEnrolled") this.#join(readSeat({ ...event, area: event.area ?? "" }));
    else if (known === undefined)
      this.#enrol({ id: event.id, name: event.name, kind: event.kind, roles: event.roles, key });
    else this.#enrol({ ...known, key, earlier: [...(known.earlier ?? []), known.key] });
  }

  #join(seat) {
    if (seat.kind !== "node" || this.sites.some((other) => other.origin === seat.origin)) {
      throw new Fault(`${seat.id} cannot have a seat: its log is another site's, or it is no node`);
    }
    this.#seat(seat);
  }
}

/** The key without what a passkey says beside it: nobody has one key twice. */
function rawKey(key) {
  return key.length === PUBLIC_BYTES ? key : readPasskey(key).key;
}

function checkKeyOf(id, kind, key) {
  if (key.length === PUBLIC_BYTES) checkKey(key, `the key of ${id}`);
  else if (kind !== "person") throw new Fault(`${id} has a passkey; only people have one`);
  else readPasskey(key);
}

function checkRepeats(event, command) {
  const [act, repeats] = SAYS[event.ev];
  if (act !== command.act) throw new Fault(`it holds ${event.ev}, which its signed act cannot say`);
  for (const name of repeats) {
    if (encode(event[name] ?? null) !== encode(command[name] ?? null)) {
      throw new Fault(`what it says of ${command.id} (${name}) is not what was signed`);
    }
  }
}

/** Whether a decision says anything of people or sites; only the business hub's acts may. */
export function speaksOfPeople(decision) {
  return (decision.events ?? []).some((event) => Object.hasOwn(SAYS, event.ev));
}
