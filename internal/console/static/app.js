// What needs a script: copy buttons and passkeys. Every page does its work without it.
"use strict";

document.documentElement.classList.add("scripted");

// A button with data-copy="#id" copies the text of that element and says so, to the eye and to a screen reader.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const from = document.querySelector(button.dataset.copy);
  if (!from) return;
  const text = "value" in from ? from.value : from.textContent;
  if (button.dataset.said) return;
  button.dataset.said = "yes";
  const kept = [...button.childNodes];
  let said = "Copied";
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    getSelection().selectAllChildren(from);
    said = "Press Ctrl+C";
  }
  button.setAttribute("aria-live", "polite");
  button.textContent = said;
  setTimeout(() => { button.replaceChildren(...kept); delete button.dataset.said; }, 2000);
});

// A dialog with data-modal is part of the page as it comes. Here it is shown in front of it, with the focus inside; closed, it takes its place in the page
// again, because what it shows is shown once.
for (const dialog of document.querySelectorAll("dialog[data-modal]")) {
  dialog.removeAttribute("open");
  dialog.showModal();
  dialog.addEventListener("close", () => dialog.show());
}

// Passkeys (W3C Web Authentication, Level 3). A form or button with data-passkey names what is wanted: "get" to sign in, "create" to add
// one. Its data-begin answers with {options, state}; what the authenticator says goes with that state to its data-finish, which answers
// with {next} or {problem}.
const fromText = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function ask(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (answer.redirected) { location.assign(answer.url); throw new Error("signed out"); }
  let said = {};
  try { said = await answer.json(); } catch { /* an error page; the status says enough */ }
  if (!answer.ok && said.next) { location.assign(said.next); throw new Error("One moment …"); }
  if (!answer.ok) throw new Error(said.problem || "The server answered " + answer.status + ".");
  return said;
}

function readable(options) {
  const key = options.publicKey || options;
  key.challenge = fromText(key.challenge);
  if (key.user) key.user.id = fromText(key.user.id);
  for (const list of [key.allowCredentials, key.excludeCredentials]) {
    for (const one of list || []) one.id = fromText(one.id);
  }
  return { publicKey: key };
}

function spoken(made) {
  const said = made.response;
  const response = { clientDataJSON: toText(said.clientDataJSON) };
  for (const field of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (said[field]) response[field] = toText(said[field]);
  }
  if (said.getTransports) response.transports = said.getTransports();
  return {
    id: made.id, rawId: toText(made.rawId), type: made.type, response,
    authenticatorAttachment: made.authenticatorAttachment || undefined,
    clientExtensionResults: made.getClientExtensionResults(),
  };
}

async function passkey(element) {
  const named = element.dataset;
  const begun = await ask(named.begin, {});
  const options = readable(begun.options);
  const made = named.passkey === "create" ? await navigator.credentials.create(options) : await navigator.credentials.get(options);
  const name = named.name ? document.querySelector(named.name).value : "";
  return ask(named.finish, { state: begun.state, answer: spoken(made), name, next: named.next || "" });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-passkey]");
  if (!button) return;
  event.preventDefault();
  const problem = document.querySelector(button.dataset.problem);
  problem.textContent = "";
  button.disabled = true;
  try {
    const said = await passkey(button);
    if (said.codes) showCodes(said.codes);
    else location.assign(said.next);
  } catch (fault) {
    problem.textContent = fault.name === "NotAllowedError" ? "The browser gave no passkey: it was cancelled, or took too long." : fault.message;
  }
  button.disabled = false;
});

// Recovery codes that came with a first passkey: shown here and nowhere else.
function showCodes(codes) {
  const section = document.querySelector("#new-codes");
  const list = section.querySelector("ul");
  list.replaceChildren(...codes.map((code) => { const li = document.createElement("li"); li.textContent = code; return li; }));
  section.hidden = false;
  section.focus();
}
