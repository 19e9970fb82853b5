// The admin's page: writing invitations and taking them back. Nothing here is signed: an invitation grants nothing.

import { canonical } from "./canon.js";
import { refresh } from "./live.js";
import { api, call } from "./state.js";
import sessions from "./sessions.js";
import { announce } from "./tell.js";

let begun = false;

export default function start() {
  if (begun) return;
  begun = true;
  sessions();
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.does !== "invite") return;
    event.preventDefault();
    invite(event.target);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.dataset.takeBack) takeBack(button.dataset.takeBack);
    if (button?.id === "invited-copy") copy();
  });
}

function asked(form) {
  const wanted = {};
  for (const input of form.querySelectorAll("input[name], select[name]")) {
    const value = input.value.trim();
    if (value) wanted[input.name] = value;
  }
  if (wanted.roles) wanted.roles = wanted.roles.split(/[\s,;]+/).filter(Boolean);
  if (form.dataset.rekey) wanted.rekey = true;
  return wanted;
}

async function invite(form) {
  try {
    const made = await call("POST", api("/invitations"), canonical(asked(form)));
    document.getElementById("invited").hidden = false;
    document.getElementById("invited-link").textContent = new URL(made.path, location.origin).href;
    announce("The invitation is written. Give the link to the newcomer.", "good");
    await refresh();
  } catch (error) {
    announce(error.message, "bad");
  }
}

async function takeBack(token) {
  try {
    await call("DELETE", api(`/invitations/${token}`));
    announce("The invitation is taken back.", "good");
    await refresh();
  } catch (error) {
    announce(error.message, "bad");
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText(document.getElementById("invited-link").textContent);
    announce("Copied.", "good");
  } catch {
    announce("This browser does not let pages copy: mark the link and copy it.", "bad");
  }
}
