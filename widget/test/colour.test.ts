import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SOFT_SURFACE, TEXT_CONTRAST, contrast, palette } from '../src/frame/colour';
import { SURFACE, type Scheme } from '../src/protocol';

const SCHEMES: Scheme[] = ['light', 'dark'];

test('contrast is as WCAG computes it', () => {
  assert.equal(contrast('#000000', '#ffffff'), 21);
  assert.ok(Math.abs(contrast('#777777', '#ffffff') - 4.478) < 0.001);
});

test('whatever the accent, what is written on it and in it can be read', () => {
  const steps = ['00', '33', '66', '99', 'cc', 'ff'];
  const accents = steps.flatMap((r) => steps.flatMap((g) => steps.map((b) => `#${r}${g}${b}`)));
  for (const scheme of SCHEMES) {
    for (const accent of [undefined, ...accents]) {
      const { accent: used, onAccent, accentInk } = palette(scheme, accent);
      assert.equal(used, accent ?? used);
      assert.ok(contrast(used, onAccent) >= TEXT_CONTRAST, `${used} ${onAccent}`);
      assert.ok(contrast(accentInk, SURFACE[scheme]) >= TEXT_CONTRAST, `${used} ${accentInk}`);
      assert.ok(contrast(accentInk, SOFT_SURFACE[scheme]) >= TEXT_CONTRAST, `${used} ${accentInk}`);
    }
  }
});

test('the style sheet has the same grounds, and its texts can be read on them', () => {
  const css = readFileSync('src/frame/frame.css', 'utf8');
  const blocks = {
    light: css.slice(0, css.indexOf("[data-scheme='dark']")),
    dark: css.slice(css.indexOf("[data-scheme='dark']")),
  };
  for (const scheme of SCHEMES) {
    const value = (name: string): string => new RegExp(`--${name}: (#\\w{6});`).exec(blocks[scheme])?.[1] ?? '';
    assert.equal(value('surface'), SURFACE[scheme]);
    assert.equal(value('soft'), SOFT_SURFACE[scheme]);
    for (const ink of ['ink', 'faint', 'wrong']) {
      for (const ground of ['surface', 'soft']) assert.ok(contrast(value(ink), value(ground)) >= TEXT_CONTRAST, ink);
    }
    // What one must see to use it: WCAG 2.2, 1.4.11.
    assert.ok(contrast(value('edge'), value('surface')) >= 3);
  }
});
