// The demonstration's stand, beside every page: what to do in this step, where to stand, whom to be. There only where
// /demo/kit.json is.

import { fromBase64 } from "./canon.js";
import { put } from "./keep.js";
import { present } from "./sign.js";
import { begin, leave, me } from "./state.js";
import { goTo, kitOf, stepOf } from "./steps.js";
import { announce } from "./tell.js";

export async function stand(go) {
  const kit = await kitOf();
  if (!kit) return;
  const box = make("aside", { id: "stand", ariaLabel: "Demonstration" });
  const where = chooser("stand-place", "Stand at", kit.stations.map((one) => [one.id, one.name]));
  const who = chooser("stand-who", "Be", kit.people.map((one) => [one.id, `${one.name} (${one.roles.join(", ").replaceAll("_", " ")})`]));
  const places = make("p", { className: "places" });
  places.append(where.label, where.select, who.label, who.select, make("span", { textContent: `PIN ${kit.people[0].pin}` }));
  box.append(places);
  document.getElementById("top").before(box); // never over what somebody wants to touch

  const standAt = async (id) => {
    const station = kit.stations.find((one) => one.id === id);
    if (!station || me.here?.place?.id === id) return;
    await leave();
    const key = await crypto.subtle.importKey("pkcs8", fromBase64(station.key), { name: "Ed25519" }, false, ["sign"]);
    await put("device", "this", { id: station.id, key });
    await begin();
    await go(location.href, false);
  };
  const be = async (id) => {
    const person = kit.people.find((one) => one.id === id);
    if (!person || me.person?.id === id) return;
    try {
      if (!me.here?.place) announce("Stand somewhere first: badges are read by workstations.", "bad");
      else if (await present(person.badge)) await go(location.href, false);
    } catch (error) {
      announce(error.message, "bad");
    }
  };
  const shown = () => ([where.select.value, who.select.value] = [me.device?.id || "", me.person?.id || ""]);
  where.select.onchange = () => standAt(where.select.value).then(shown);
  who.select.onchange = () => be(who.select.value).then(shown);

  const line = make("div", { className: "step" });
  box.prepend(line);
  const open = async (at) => {
    const step = kit.steps[at];
    goTo(kit, at, false);
    tell(line, kit, at, open);
    if (location.pathname !== step.path) await go(step.path);
    await standAt(step.at);
    if (!step.who && me.person) await leave().then(() => go(location.href, false));
    if (step.who) await be(step.who);
    shown();
  };
  shown();
  const { at, fresh } = stepOf(kit);
  if (at < 0) return tell(line, kit, at, open);
  tell(line, kit, at, open);
  if (fresh) open(at).catch((error) => announce(error.message, "bad"));
}

// What to do in a step, and the way on.
function tell(line, kit, at, open) {
  const step = kit.steps[at];
  const steps = make("a", { href: "/demo", textContent: "All steps", className: "button", target: "_self" });
  if (!step) return line.replaceChildren(steps);
  const text = make("p", {});
  text.append(make("strong", { textContent: `${at + 1} of ${kit.steps.length}: ${step.title}. ` }), `${step.do.join(" ")} ${step.see}`);
  const next = make("button", { type: "button", id: "stand-next", textContent: at + 1 < kit.steps.length ? `Next: ${kit.steps[at + 1].title}` : "That was all" });
  next.onclick = () => (at + 1 < kit.steps.length ? open(at + 1) : (goTo(kit, at + 1, false), location.assign("/demo")));
  line.replaceChildren(text, next, steps);
}

const make = (tag, fields) => Object.assign(document.createElement(tag), fields);

function chooser(id, text, rows) {
  const label = make("label", { htmlFor: id, textContent: text });
  const select = make("select", { id });
  for (const [value, shown] of [["", "–"], ...rows]) select.append(make("option", { value, textContent: shown }));
  return { label, select };
}
