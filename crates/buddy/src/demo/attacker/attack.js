// What a page of any other site can try in a visitor's browser.

const { session, agent, target } = document.body.dataset;
const claim = { sessionId: session, agentId: agent };
/** A frame whose load is never told of is not waited for. */
const FRAME_MS = 3000;

const ways = {
  text: () => fetch(target, { method: 'POST', mode: 'no-cors', credentials: 'include', body: JSON.stringify(claim) }),
  json: () =>
    fetch(target, { method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(claim) }),
  form: () =>
    new Promise((resolve) => {
      // A form in plain text is `name=value`: with half of the JSON in each, the body is JSON.
      const text = JSON.stringify({ ...claim, rest: '=' });
      const [name, value] = text.split('=');
      const field = document.getElementById('field');
      field.name = name;
      field.value = value;
      document.getElementById('hidden').addEventListener('load', resolve, { once: true });
      setTimeout(resolve, FRAME_MS);
      document.getElementById('form').submit();
    }),
};

const tell = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

for (const [way, attempt] of Object.entries(ways)) {
  // That a try is stopped is what there is to see.
  await attempt().catch(() => undefined);
  await tell('/tried', { sessionId: session, way });
}
await tell('/identify', { sessionId: session });
document.getElementById('now').textContent = 'this page has asked the shop in your name, three times, and got nothing.';
