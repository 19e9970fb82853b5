// Telling and asking: one line that everybody hears of (aria-live), and one dialog for whatever needs an answer.

const line = () => document.getElementById("said");

export function announce(text, kind = "") {
  const where = line();
  where.textContent = text;
  where.className = `said ${kind}`;
}

// Entry and site of what was just recorded, for whoever wants to look it up.
export function note(reply) {
  if (reply.seq >= 0) line().dataset.entry = reply.seq;
}

// A refusal: why, and what to do about it, beside the form that asked for it.
export function refused(problem, form) {
  const reasons = problem.refusals?.length ? problem.refusals : [{ says: problem.detail || problem.title, helps: "" }];
  announce(`Refused. ${reasons[0].says} ${reasons[0].helps}`, "bad");
  let box = form?.querySelector(".refusal");
  if (!form) return;
  if (!box) {
    box = document.createElement("ul");
    box.className = "refusal";
    form.append(box);
  }
  box.replaceChildren(
    ...reasons.map(({ code, says, helps }) => {
      const item = document.createElement("li");
      item.textContent = `${says} ${helps}`;
      if (code) item.dataset.code = code;
      return item;
    }),
  );
}

// `rows`: [[label, value]]; `secret`: a PIN is asked; `text`: a word is. Answers the text, "" for a plain yes, null where it was given up.
export function ask({ title, rows = [], says = "", secret = false, text = false, confirm = "OK" }) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("h2").textContent = title;
  dialog.querySelector(".says").textContent = says;
  dialog.querySelector("dl").replaceChildren(
    ...rows.flatMap(([label, value]) => {
      const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
      [dt.textContent, dd.textContent] = [label, value];
      return [dt, dd];
    }),
  );
  const input = dialog.querySelector("input");
  input.value = "";
  const asks = secret || text;
  input.type = secret ? "password" : "text";
  input.closest("label").hidden = !asks;
  input.closest("label").firstChild.textContent = secret ? "PIN " : `${title} `;
  input.disabled = !asks;
  dialog.querySelector("button[value=yes]").hidden = confirm === null;
  dialog.querySelector("button[value=yes]").textContent = confirm;
  dialog.returnValue = "";
  dialog.showModal();
  (asks ? input : dialog.querySelector("button[value=yes]")).focus();
  return new Promise((resolve) => {
    dialog.onclose = () => {
      const answer = dialog.returnValue === "yes" ? (asks ? input.value : "") : null;
      input.value = "";
      resolve(answer);
    };
  });
}
