/** Elements without markup: the page's rules allow neither innerHTML nor style attributes here. */

type Child = Node | string;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

/** A drawing of strokes in a box of 24 by 24, in the colour of the text around it; it says nothing to a reader. */
export function icon(...paths: string[]): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const d of paths) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

export const CHAT = 'M4 5.5h16a1 1 0 0 1 1 1v9.5a1 1 0 0 1-1 1h-8.5L7 21v-4H4a1 1 0 0 1-1-1V6.500a1 1 0 0 1 1-1z';
export const DOWN = 'M6 9.500l6 6 6-6';
export const CROSS = 'M6 6l12 12M18 6L6 18';
export const UP = 'M12 19V5.500M6 11l6-6 6 6';
