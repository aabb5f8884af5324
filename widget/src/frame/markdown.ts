/** A reply as elements: what Markdown means where it is on the list below, and its own text where it is not. */
import type { Nodes, Parents } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmAutolinkLiteralFromMarkdown } from 'mdast-util-gfm-autolink-literal';
import { gfmAutolinkLiteral } from 'micromark-extension-gfm-autolink-literal';
import { el } from './view/dom';

/** Deeper nesting is nobody's reply; it is shown as it was written. */
const DEPTH_MAX = 20;

/** HTML is text, and a link says where it leads where it stands. */
const OFF = { disable: { null: ['htmlFlow', 'htmlText', 'definition'] } };

/**
 * The parser takes time as the square of what stands open: of containers on one line, of emphasis in one paragraph.
 * No reply has as much; one that is made to have it must not hold the chat up.
 */
const CONTAINERS = new RegExp(`^(?:[ \\t]*(?:>|[-+*][ \\t]|\\d{1,9}[.)][ \\t])){${DEPTH_MAX}}`, 'm');
const MARKS = /[*_]/g;
const MARKS_OF_PARAGRAPH_MAX = 500;
const MARKS_MAX = 3_000;

export function renderMarkdown(text: string): Node[] {
  if (isTangled(text)) return [el('p', {}, text)];
  try {
    const tree = fromMarkdown(text, {
      extensions: [gfmAutolinkLiteral(), OFF],
      mdastExtensions: [gfmAutolinkLiteralFromMarkdown()],
    });
    return children(tree, text, 0);
  } catch {
    // What cannot be parsed can be read.
    return [el('p', {}, text)];
  }
}

function isTangled(text: string): boolean {
  const marks = (part: string): number => part.match(MARKS)?.length ?? 0;
  if (CONTAINERS.test(text) || marks(text) > MARKS_MAX) return true;
  return text.split(/\n\s*\n/).some((paragraph) => marks(paragraph) > MARKS_OF_PARAGRAPH_MAX);
}

const children = (parent: Parents, source: string, depth: number): Node[] =>
  parent.children.flatMap((child) => render(child, source, depth + 1));

function render(node: Nodes, source: string, depth: number): Node[] {
  if (depth > DEPTH_MAX) return [new Text(written(node, source))];
  const inside = (parent: Parents): Node[] => children(parent, source, depth);
  switch (node.type) {
    case 'text':
    case 'html':
      return [new Text(node.value)];
    case 'paragraph':
      return [el('p', {}, ...inside(node))];
    case 'heading':
      return [el('p', {}, el('strong', {}, ...inside(node)))];
    case 'emphasis':
      return [el('em', {}, ...inside(node))];
    case 'strong':
      return [el('strong', {}, ...inside(node))];
    case 'inlineCode':
      return [el('code', {}, node.value)];
    case 'code':
      return [el('pre', { dir: 'ltr' }, el('code', {}, node.value))];
    case 'blockquote':
      return [el('blockquote', {}, ...inside(node))];
    case 'break':
      return [el('br')];
    case 'thematicBreak':
      return [el('hr')];
    case 'list':
      return [list(node.ordered === true, node.start ?? 1, inside(node))];
    case 'listItem':
      return [el('li', {}, ...inside(node))];
    case 'link':
      return link(node.url, inside(node));
    case 'image':
      return [new Text(node.alt ?? '')];
    default:
      return [new Text(written(node, source))];
  }
}

const list = (ordered: boolean, start: number, items: Node[]): HTMLElement =>
  ordered ? el('ol', start === 1 ? {} : { start: String(start) }, ...items) : el('ul', {}, ...items);

function link(url: string, inside: Node[]): Node[] {
  if (!isSafe(url)) return inside;
  return [el('a', { href: url, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...inside)];
}

/** Whole addresses only: a relative one would be of Buddy, not of the shop. */
function isSafe(url: string): boolean {
  try {
    return ['https:', 'mailto:'].includes(new URL(url).protocol);
  } catch {
    return false;
  }
}

function written(node: Nodes, source: string): string {
  const [from, to] = [node.position?.start.offset, node.position?.end.offset];
  return from === undefined || to === undefined ? '' : source.slice(from, to);
}
