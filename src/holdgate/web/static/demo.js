// The demonstration's stand, beside every page: stand somewhere, be somebody. There only where /demo/kit.json is.

import { fromBase64 } from "./canon.js";
import { put } from "./keep.js";
import { present } from "./sign.js";
import { begin, leave, me } from "./state.js";
import { announce } from "./tell.js";

export async function stand(go) {
  const kit = await fetch("/demo/kit.json").then((answer) => (answer.ok ? answer.json() : null), () => null);
  if (!kit) return;
  const box = document.createElement("aside");
  box.id = "stand";
  box.setAttribute("aria-label", "Demonstration");
  const where = chooser("stand-place", "Stand at", kit.stations.map((one) => [one.id, one.name]));
  const who = chooser("stand-who", "Be", kit.people.map((one) => [one.id, `${one.name} (${one.roles.join(", ")})`]));
  const hint = document.createElement("span");
  hint.className = "quiet";
  hint.textContent = `PIN ${kit.people[0].pin}`;
  box.append(where.label, where.select, who.label, who.select, hint);
  document.body.append(box);
  where.select.onchange = async () => {
    const station = kit.stations.find((one) => one.id === where.select.value);
    if (!station) return;
    await leave();
    const key = await crypto.subtle.importKey("pkcs8", fromBase64(station.key), { name: "Ed25519" }, false, ["sign"]);
    await put("device", "this", { id: station.id, key });
    await begin();
    await go(location.href, false);
  };
  who.select.onchange = async () => {
    const person = kit.people.find((one) => one.id === who.select.value);
    if (!person) return;
    try {
      if (!me.here?.place) announce("Stand somewhere first: badges are read by workstations.", "bad");
      else if (await present(person.badge)) await go(location.href, false);
    } catch (error) {
      announce(error.message, "bad");
    }
    who.select.value = me.person?.id || "";
  };
  where.select.value = me.device?.id || "";
}

function chooser(id, text, rows) {
  const label = document.createElement("label");
  const select = document.createElement("select");
  [select.id, label.htmlFor, label.textContent] = [id, id, text];
  for (const [value, shown] of [["", "–"], ...rows]) {
    const option = document.createElement("option");
    [option.value, option.textContent] = [value, shown];
    select.append(option);
  }
  return { label, select };
}
