// The steps of the demonstration: which one somebody is at is kept in this browser, for the shop of this run.

export const kitOf = () => fetch("/demo/kit.json").then((answer) => (answer.ok ? answer.json() : null), () => null);

const nameOf = (kit) => `holdgate-demo-${kit.people[0].badge.slice(-8)}`;

export const stepOf = (kit) => JSON.parse(localStorage.getItem(nameOf(kit)) || '{"at":-1,"fresh":false}');

// `fresh`: the page that opens next still has to stand them there and present the badge.
export const goTo = (kit, at, fresh = true) => localStorage.setItem(nameOf(kit), JSON.stringify({ at, fresh }));

const links = [...document.querySelectorAll("a[data-step]")];
if (links.length) {
  const kit = await kitOf();
  const { at } = stepOf(kit);
  for (const link of links) {
    const step = Number(link.dataset.step);
    link.addEventListener("click", () => goTo(kit, step));
    link.closest("li").querySelector("[data-done]").hidden = step >= at;
    link.classList.toggle("primary", step === Math.max(at, 0));
    link.closest("li").classList.toggle("now", step === Math.max(at, 0));
  }
  document.documentElement.dataset.ready = "1";
}
