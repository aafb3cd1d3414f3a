/* First import of an entry point: modules are evaluated in order, so this one runs before the others can fail. */
import { requireNode } from './require-node.ts';

requireNode();
