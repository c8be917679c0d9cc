// Asking and telling ganzoo paint. Paths are relative: the page's own address holds the token.

let version = "";

async function answer(reply) {
  if (!reply.ok) throw new Error((await reply.text()).trim() || String(reply.status));
  if (reply.status === 204) return null;
  version = reply.headers.get("X-Version") ?? "";
  return reply.json();
}

// How the canvas stands, or null where nothing has changed since the last answer.
export const look = async () => answer(await fetch(`state.json?version=${version}`));

export const layers = async () => (await fetch("layers.json")).json();

// Do something; the answer is how the canvas stands then.
export async function tell(deed, value = {}) {
  const headers = {"Content-Type": "application/json"};
  return answer(await fetch(deed, {method: "POST", headers, body: JSON.stringify(value)}));
}
