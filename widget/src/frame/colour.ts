/** Colours that can be read, from whatever accent a shop chooses. */
import { SURFACE, type Scheme } from '../protocol';

type Rgb = [number, number, number];

/** WCAG 2.2, 1.4.3: text on its ground. */
export const TEXT_CONTRAST = 4.5;
/** A shop that names no colour gets ink, and on a dark ground its opposite. */
const DEFAULT_ACCENT: Record<Scheme, string> = { light: '#2b3a55', dark: '#c6d3ee' };
const MIX_STEP = 0.05;

const parse = (hex: string): Rgb => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as Rgb;
const print = (rgb: Rgb): string => `#${rgb.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`;

function luminance(rgb: Rgb): number {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Rgb;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one: string, other: string): number {
  const [light, dark] = [luminance(parse(one)), luminance(parse(other))].sort((a, b) => b - a) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

export interface Palette {
  accent: string;
  /** Text on the accent. White or black: one of the two is always readable. */
  onAccent: string;
  /** The accent as text and as focus ring on the panel's ground. */
  accentInk: string;
}

export function palette(scheme: Scheme, accent: string = DEFAULT_ACCENT[scheme]): Palette {
  const onAccent = contrast(accent, '#ffffff') >= TEXT_CONTRAST ? '#ffffff' : '#000000';
  return { accent, onAccent, accentInk: readableOn(SOFT_SURFACE[scheme], accent, scheme) };
}

/** The darkest light ground and the lightest dark one that ink is written on: a reply's bubble. */
export const SOFT_SURFACE: Record<Scheme, string> = { light: '#f1f2f5', dark: '#262931' };

function readableOn(ground: string, colour: string, scheme: Scheme): string {
  const towards: Rgb = scheme === 'light' ? [0, 0, 0] : [255, 255, 255];
  const from = parse(colour);
  for (let share = 0; share < 1; share += MIX_STEP) {
    const mixed = print(from.map((part, index) => part + ((towards[index] ?? 0) - part) * share) as Rgb);
    if (contrast(mixed, ground) >= TEXT_CONTRAST && contrast(mixed, SURFACE[scheme]) >= TEXT_CONTRAST) return mixed;
  }
  return print(towards);
}
