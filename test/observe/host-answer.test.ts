import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/observe/host-answer.ts';
import { hostScript, PRIVILEGED } from '../../src/observe/host-script.ts';

const MARK = '@@m';
const frame = (name: string, text: string, end = 'own 0 ') =>
  `${MARK} begin ${name}\n${text}\n${MARK} end ${name} ${end}\n`;
const whole = (...frames: string[]) => `${frames.join('')}${MARK} done\n`;

describe('readAnswer', () => {
  it('takes the sections apart, empty ones and ones without a last newline included', () => {
    const { sections, isWhole } = readAnswer(
      MARK,
      whole(frame('a', ''), frame('b', 'x\ny'), frame('c', 'z\n', 'sudo 3 oh no')),
    );
    expect(isWhole).toBe(true);
    expect(sections.get('a')).toEqual({ text: '', how: 'own', code: 0, words: '', isCut: false });
    expect(sections.get('b')?.text).toBe('x\ny');
    expect(sections.get('c')).toMatchObject({ text: 'z\n', how: 'sudo', code: 3, words: 'oh no' });
  });

  it('has only what was complete, wherever the answer breaks off', () => {
    const text = whole(frame('a', 'first'), frame('b', 'second'));
    for (let length = 0; length < text.length; length++) {
      const { sections, isWhole, pending } = readAnswer(MARK, text.slice(0, length));
      expect(isWhole, `${length}`).toBe(false);
      expect([undefined, 'a', 'b']).toContain(pending);
      expect(sections.has('a')).toBe(length >= frame('a', 'first').length);
      expect(sections.has('b')).toBe(length >= frame('a', 'first').length + frame('b', 'second').length);
    }
  });

  it.each([
    ['a section twice', whole(frame('a', '1'), frame('a', '2'))],
    ['a frame in a frame', whole(frame('a', frame('b', '1')))],
    ['rights that there are not', whole(frame('a', '', 'magic 0 '))],
    ['an exit code that is none', whole(frame('a', '', 'own x '))],
  ])('trusts nothing of an answer with %s', (_what, text) => {
    expect(readAnswer(MARK, text)).toEqual({ sections: new Map(), isWhole: false, pending: undefined });
  });

  it('does not take the frames of another run', () => {
    expect(readAnswer('@@other', whole(frame('a', '1')))).toEqual({
      sections: new Map(),
      isWhole: false,
      pending: undefined,
    });
  });
});

describe('hostScript', () => {
  const script = hostScript(MARK);

  it('is a script for any POSIX shell', () => {
    execFileSync('sh', ['-n', '-s'], { input: script });
  });

  it('only reads: no redirection into a file, no command that changes anything', () => {
    const redirections = [...script.matchAll(/(?<![0-9<&-])[0-9]?>+\s*(\S+)/g)].map(([, target]) => target);
    expect(redirections.filter((t) => !/^(&|\/dev\/null)/.test(t ?? ''))).toEqual([]);
    expect(script).not.toMatch(
      /\b(rm|mv|cp|tee|mkdir|touch|chmod|chown|kill|mount|modprobe|flush|delete|add|insert)\b/,
    );
    for (const argv of PRIVILEGED) expect(argv.join(' ')).not.toMatch(/-w\b|-f\b|-delete|-o\b|-fprint|-fls/);
  });

  it('never asks for the value of a variable, the text of a unit or an argument list', () => {
    expect(script).not.toMatch(/systemctl cat|ps -|cat \S*environ|Environment|ExecStart/);
    expect(script.match(/cmdline/g)).toHaveLength(1); // where tailscaled's socket is, and nothing else of it
  });
});
