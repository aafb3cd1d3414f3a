import type { Family } from './address.ts';
import { type Decision, LEVEL } from './diagram.ts';
import { FIELDS, type Field } from './field.ts';

/** A field that a diagram decides on; the family is decided by which of the two diagrams it is. */
export type LevelField = Exclude<Field, 'family'>;

/** The fields below the family, in decision order. */
export const LEVEL_FIELDS: readonly LevelField[] = FIELDS.filter((f) => f !== 'family');

/** The level that decides a field in the diagram of a family. */
export function levelOf(field: LevelField, family: Family): Decision['level'] {
  switch (field) {
    case 'src':
      return family === 4 ? LEVEL.src4 : LEVEL.src6;
    case 'dst':
      return family === 4 ? LEVEL.dst4 : LEVEL.dst6;
    default:
      return LEVEL[field];
  }
}
