/** In place of `decode-named-character-reference`, which in a browser asks innerHTML, and that is not allowed here. */
import { characterEntitiesHtml4 } from 'character-entities-html4';

const ENTITIES: Record<string, string> = characterEntitiesHtml4;

export function decodeNamedCharacterReference(value: string): string | false {
  return Object.hasOwn(ENTITIES, value) ? (ENTITIES[value] ?? false) : false;
}
