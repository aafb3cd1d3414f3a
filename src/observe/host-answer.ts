import { SECTION_LIMIT } from './host-script.ts';

/** One section of the collector's output, complete. */
export interface Section {
  /** What it printed, without the frame. */
  readonly text: string;
  /** With whose rights it ran; `denied`: it was not tried. */
  readonly how: 'own' | 'sudo' | 'denied';
  readonly code: number;
  /** The end of what it said on stderr, on one line. */
  readonly words: string;
  /** It printed more than is taken. */
  readonly isCut: boolean;
}

/** What the collector printed, taken apart. */
export interface Answer {
  readonly sections: ReadonlyMap<string, Section>;
  /** The end mark was there: everything was asked. */
  readonly isWhole: boolean;
  /** The section that had begun when the output ended. */
  readonly pending: string | undefined;
}

/** The program is not installed (POSIX sh, exit status of a command that was not found). */
export const NOT_INSTALLED = 127;

/**
 * Takes the collector's output apart (`hostScript`). Sections without their end are left out: half an answer is none.
 * A name that comes twice, or a frame inside of another, makes the whole answer count for nothing.
 * @param mark the word that frames the sections
 */
export function readAnswer(mark: string, output: string): Answer {
  const sections = new Map<string, Section>();
  let pending: string | undefined;
  let at = 0;
  for (;;) {
    const begin = output.indexOf(`${mark} begin `, at);
    if (begin < 0) break;
    const head = output.indexOf('\n', begin);
    const name = output.slice(begin + mark.length + 7, head);
    const end = head < 0 ? -1 : output.indexOf(`\n${mark} end ${name} `, head);
    const tail = end < 0 ? -1 : output.indexOf('\n', end + 1);
    if (head < 0 || end < 0 || tail < 0) {
      pending = head < 0 ? undefined : name;
      break;
    }
    const text = end <= head ? '' : output.slice(head + 1, end);
    const [how = '', code = '', ...words] = output.slice(end + mark.length + name.length + 7, tail).split(' ');
    const isFrame = (how === 'own' || how === 'sudo' || how === 'denied') && /^[0-9]{1,3}$/.test(code);
    if (!isFrame || sections.has(name) || text.includes(mark)) {
      return { sections: new Map(), isWhole: false, pending: undefined };
    }
    sections.set(name, {
      text,
      how,
      code: Number(code),
      words: words.join(' ').trim(),
      isCut: Buffer.byteLength(text) > SECTION_LIMIT,
    });
    at = tail;
  }
  return { sections, isWhole: output.endsWith(`\n${mark} done\n`), pending };
}
