// What each act is about: the subject that its entry is linked to. A table of the law, compared with it by a test.

/** Act → [kind of subject, field that names it]. `job`: `order/job`; `slip`: the order of the slip. */
export const ACTS = {
  "ai.apply": ["contract", "contract"],
  "ai.suggest": ["contract", "contract"],
  "arrival.attest": ["order", "order"],
  "arrival.void": ["order", "order"],
  "client.review": ["report", "report"],
  "compliance.sign": ["job", "job"],
  "contract.activate": ["contract", "contract"],
  "contract.approve": ["contract", "contract"],
  "contract.certify": ["contract", "contract"],
  "contract.resume": ["contract", "contract"],
  "contract.submit": ["contract", "contract"],
  "contract.suspend": ["contract", "contract"],
  "credential.grant": ["identity", "person"],
  "credential.revoke": ["identity", "person"],
  "delivery.close": ["order", "order"],
  "deviation.authorise": ["job", "job"],
  "document.verify": ["order", "order"],
  "entry.correct": ["job", "job"],
  "entry.late": ["job", "job"],
  "env.log": ["series", "series"],
  "equipment.calibrate": ["equipment", "id"],
  "equipment.check": ["equipment", "id"],
  "equipment.register": ["equipment", "id"],
  "forward.acknowledge": ["order", "order"],
  "help.call": ["job", "job"],
  "holdpoint.release": ["job", "job"],
  "identity.disable": ["identity", "id"],
  "identity.enrol": ["identity", "id"],
  "identity.rekey": ["identity", "id"],
  "invoice.issue": ["order", "order"],
  "job.assign": ["job", "job"],
  "job.repin": ["job", "job"],
  "job.reprocess": ["job", "job"],
  "job.resume": ["job", "job"],
  "job.split": ["job", "job"],
  "job.start": ["job", "job"],
  "job.terminate": ["job", "job"],
  "material.extend": ["material", "batch"],
  "material.register": ["material", "batch"],
  "module.act": ["job", "job"],
  "module.may": ["job", "job"],
  "ncr.disposition": ["job", "job"],
  "ncr.open": ["job", "job"],
  "order.forward": ["order", "order"],
  "order.notice": ["order", "order"],
  "part.arrival": ["order", "order"],
  "payout.release": ["job", "job"],
  "po.accept": ["order", "order"],
  "po.release": ["order", "order"],
  "po.review": ["order", "order"],
  "po.stage": ["order", "order"],
  "policy.update": ["policy", "policy"],
  "qa.sign": ["job", "job"],
  "reading.record": ["job", "job"],
  "report.amend": ["report", "report"],
  "report.generate": ["job", "job"],
  "retest.authorise": ["job", "job"],
  "site.enrol": ["identity", "id"],
  "site.retire": ["identity", "id"],
  "slip.stage": ["slip", "slip"],
  "standard.adopt": ["standard", "standard"],
  "step.restart": ["job", "job"],
  "step.sign": ["job", "job"],
  "step.start": ["job", "job"],
  "tune.approve": ["contract", "contract"],
  "tune.revert": ["contract", "contract"],
  "tune.suggest": ["contract", "contract"],
  "vault.write": ["site", "target"],
  "window.close": ["report", "report"],
  "witness.notify": ["job", "job"],
};

/** Acts beside which documents are kept. */
export const WITH_DOCUMENTS = ["contract.certify", "contract.submit", "order.forward", "slip.stage"];

/** The subject of an act. */
export function subjectOf(command) {
  const [kind, field] = ACTS[command.act];
  if (kind === "job") return `${command.order}/${command.job}`;
  if (kind === "slip") return `order:${command.slip.order}`;
  const value = command[field];
  return value === undefined || value === null ? `signer:${command.signers[0].id}` : `${kind}:${value}`;
}
