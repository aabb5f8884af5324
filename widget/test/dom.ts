// A small DOM for what draws. Import it before anything that asks for one.
import { Window } from 'happy-dom';

export const window = new Window({ url: 'https://shop.example/products' });

Object.assign(globalThis, { document: window.document, Text: window.Text });

export const html = (nodes: Node[]): string => {
  const holder = document.createElement('div');
  holder.append(...nodes);
  return holder.innerHTML;
};
