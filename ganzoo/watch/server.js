// Asking ganzoo watch. Paths are relative: the page's own address holds the token.

const versions = new Map(); // of the last answer, by path

export const forget = (path) => versions.delete(path);

export const file = (run, name) => `run/${encodeURIComponent(run)}/${name}`;

// The answer, or null where nothing has changed since the last one.
export async function ask(path) {
  const reply = await fetch(`${path}?version=${versions.get(path) ?? ""}`);
  if (!reply.ok) throw new Error(reply.status);
  if (reply.status === 204) return null;
  versions.set(path, reply.headers.get("X-Version"));
  return reply.json();
}
