/** Colours and direction, as the page has them. */
import type { Dir, Scheme, SchemeSetting } from '../../protocol';
import { palette } from '../colour';

export interface Look {
  dir: Dir;
  lang: string;
  scheme: SchemeSetting;
  position: 'start' | 'end';
  accent?: string;
}

export function dress({ dir, lang, scheme, position, accent }: Look): void {
  const root = document.documentElement;
  root.dir = dir;
  root.lang = lang;
  root.classList.toggle('at-start', position === 'start');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const paint = (): void => {
    const used: Scheme = scheme === 'auto' ? (dark.matches ? 'dark' : 'light') : scheme;
    const colours = palette(used, accent);
    root.dataset['scheme'] = used;
    // As the page's script sets it for the frame's element: where the two differ, the ground is not transparent.
    root.style.colorScheme = used;
    root.style.setProperty('--accent', colours.accent);
    root.style.setProperty('--on-accent', colours.onAccent);
    root.style.setProperty('--accent-ink', colours.accentInk);
  };
  paint();
  if (scheme === 'auto') dark.addEventListener('change', paint);
}
