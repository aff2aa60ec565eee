import { expect } from 'chai';
import fc from 'fast-check';
import { compileMatcher } from '../../src/model/matcher.ts';
import { compileRegex } from '../../src/model/regex.ts';
import { RegexSyntaxError } from '../../src/model/regex-syntax.ts';

const matches = (regex: string, value: string): boolean => compileRegex(regex).matches(value);

const matchesExactly = (regex: string, yes: readonly string[], no: readonly string[]): void => {
  for (const value of yes)
    expect(matches(regex, value), `${regex} should match ${JSON.stringify(value)}`).to.equal(true);
  for (const value of no)
    expect(matches(regex, value), `${regex} should not match ${JSON.stringify(value)}`).to.equal(false);
};

describe('compileRegex', () => {
  it('matches whole values only', () => {
    matchesExactly('a', ['a'], ['', 'ab', 'ba', 'A', 'a\n']);
    matchesExactly('a|b', ['a', 'b'], ['ab', '']);
    matchesExactly('', [''], ['a']);
    matchesExactly('^a$', ['a'], ['ab']);
    matchesExactly(String.raw`\Aa\z`, ['a'], ['ab', 'ba']);
  });

  it('lets the dot match line feeds, and characters beyond the basic plane as one', () => {
    matchesExactly('a.b', ['a\nb', 'a🚀b', 'axb'], ['ab', 'a  b']);
    matchesExactly('(?-s)a.b', ['axb', 'a\rb'], ['a\nb']);
  });

  it('reads flags at the beginning', () => {
    matchesExactly('(?i)node-[a-c]ü', ['NODE-BÜ', 'node-aü'], ['node-dü']);
    matchesExactly('(?is)a.', ['A\n'], ['b']);
    matchesExactly('(?m)a\nb$', ['a\nb'], ['a\nb\n']);
    matchesExactly('(?m)a$\n^b', ['a\nb'], ['a\rb']);
    matchesExactly('(?U)a+', ['aa'], ['']);
  });

  it('reads flags in the middle, to the end of their group', () => {
    matchesExactly('a(?i)b', ['ab', 'aB'], ['Ab', 'AB']);
    matchesExactly('(a(?i)b)c', ['abc', 'aBc'], ['aBC']);
    matchesExactly('a(?i)b|c', ['aB', 'C', 'c'], ['Ab']);
    matchesExactly('(?i:a)b', ['ab', 'Ab'], ['AB', 'aB']);
    matchesExactly('(?i)a(?-i)b', ['Ab'], ['AB']);
    matchesExactly('(?i)a(?-i:b)c', ['AbC'], ['ABC']);
    matchesExactly('a(?-s).', ['ab'], ['a\n']);
    matchesExactly('a(?i)+', ['a', 'aa'], ['A']);
    matchesExactly('(?)a(?m:^)?', ['a'], ['b']);
  });

  it('adds the other cases of letters before it negates a class', () => {
    matchesExactly(String.raw`(?i)\W`, ['-', 'é'], ['a', 'K', 's', '\u017f', '\u212a', '_']);
    matchesExactly('(?i)[[:^lower:]]', ['-', 'é', '1'], ['a', 'K', 's']);
    matchesExactly('(?i)[[:^alpha:]]', ['-', 'é'], ['a', 'K']);
    matchesExactly(String.raw`(?i)\P{Lu}`, ['-', '1'], ['a', 'K', 'é']);
    matchesExactly(String.raw`(?i)\P{Ll}`, ['-', '1'], ['a', 'K', 'é']);
    matchesExactly(String.raw`(?i)[^\P{Lu}k]`, ['a', 'É'], ['k', 'K', '-', '1']);
    matchesExactly(String.raw`(?i)[^\Wk]`, ['a', '1'], ['k', 'K', '\u212a', '-']);
    matchesExactly('(?i)[^k]', ['a', '-'], ['k', 'K', '\u212a']);
    matchesExactly(String.raw`(?i)[\Wk]`, ['k', 'K', '\u212a', '-'], ['a']);
  });

  it('knows categories and scripts by the names of RE2', () => {
    matchesExactly(String.raw`\p{Yi}\p{Han}\p{Greek}`, ['ꀀ中γ'], ['abc']);
    matchesExactly(String.raw`\pN\p{Nd}\p{Sc}\p{Old_Italic}`, ['12€𐌀'], ['ab€𐌀']);
    matchesExactly(String.raw`\pC`, ['\u0007', '\u00ad', '\ue000'], ['\u0378', 'a']);
    matchesExactly(String.raw`\PC`, ['\u0378', 'a'], ['\u0007']);
    matchesExactly(String.raw`[^\P{Any}]`, ['a', '\n'], ['']);
    matchesExactly(String.raw`\P{Any}`, [], ['a', '']);
  });

  it('knows repetitions', () => {
    matchesExactly('a*', ['', 'aaa'], ['b']);
    matchesExactly('a+?', ['a', 'aa'], ['']);
    matchesExactly('(ab)?c', ['c', 'abc'], ['ac']);
    matchesExactly('a{2}', ['aa'], ['a', 'aaa']);
    matchesExactly('a{2,}', ['aa', 'aaaa'], ['a']);
    matchesExactly('a{1,2}b', ['ab', 'aab'], ['aaab']);
    matchesExactly('a{,2}', ['a{,2}'], ['aa']);
    matchesExactly('{', ['{'], ['']);
    matchesExactly('a{x}', ['a{x}'], ['a']);
  });

  it('knows groups', () => {
    matchesExactly('(a|b)c', ['ac', 'bc'], ['abc']);
    matchesExactly('(?:a|b)c', ['ac'], ['c']);
    matchesExactly('(?P<name>a)(?<other>b)', ['ab'], ['a']);
    matchesExactly('a(|b)', ['a', 'ab'], ['b']);
  });

  it('knows classes', () => {
    matchesExactly('[a-cx]', ['a', 'b', 'c', 'x'], ['d', '-']);
    matchesExactly('[^a-c]', ['d', '\n', '🚀'], ['a', '']);
    matchesExactly('[]a]', [']', 'a'], ['b']);
    matchesExactly('[a-]', ['a', '-'], ['b']);
    matchesExactly('[-a]', ['a', '-'], ['b']);
    matchesExactly(String.raw`[\]\-\\^]`, [']', '-', '\\', '^'], ['a']);
    matchesExactly('[[:alpha:]_]', ['a', 'Z', '_'], ['1', 'ü']);
    matchesExactly('[[:^digit:]]', ['a', 'ü'], ['1']);
    matchesExactly('[[:punct:]]', ['!', '~', '[', ']', '-', '\\'], ['a', ' ']);
    matchesExactly(String.raw`[\d.]`, ['1', '.'], ['a']);
    matchesExactly(String.raw`[^\s]`, ['a'], [' ', '\n']);
    matchesExactly('[à-ü]', ['ò'], ['o']);
    matchesExactly('[🚀-🚂]', ['🚁'], ['🚃']);
  });

  it('knows the escapes of RE2', () => {
    matchesExactly(String.raw`\d\D\w\W\s\S`, ['1a_- x'], ['aaaaaa']);
    matchesExactly(String.raw`\s`, [' ', '\t'], ['\u00a0', '\v']);
    matchesExactly(String.raw`10\.0\.0\.1\:9100\-a\_b\/c\"`, ['10.0.0.1:9100-a_b/c"'], ['10x0.0.1:9100-a_b/c"']);
    matchesExactly(String.raw`\x41\x{1F680}\101\n`, ['A🚀A\n'], ['A']);
    matchesExactly(String.raw`\Qa.b*\E+`, ['a.b*', 'a.b***'], ['axb']);
    matchesExactly(String.raw`\Qa.b`, ['a.b'], ['axb']);
    matchesExactly(String.raw`a\Q\E*b`, ['b', 'aab'], ['a']);
    matchesExactly(String.raw`\pL\p{Lu}\p{Greek}\PL`, ['aBγ1'], ['abγ1']);
    matchesExactly(String.raw`\p{^L}\P{^L}`, ['1a'], ['a1']);
    matchesExactly(String.raw`a\b.\bb`, ['a b'], ['axb']);
  });

  it('refuses what RE2 refuses, saying what and where', () => {
    const refused: readonly (readonly [string, RegExp, number])[] = [
      ['a(b', /missing \)/, 1],
      ['a)b', /unmatched \)/, 1],
      ['[a', /missing \]|ends/, 0],
      ['*a', /nothing to repeat/, 0],
      ['a**', /repeated repetition/, 2],
      ['a{2,1}', /repeat count/, 1],
      ['a{1001}', /repeat count/, 1],
      ['a(?=b)', /look-ahead/, 1],
      ['a(?!b)', /look-ahead/, 1],
      ['(?<=a)b', /look-behind/, 0],
      ['(?i-)a', /unknown kind of group/, 0],
      ['(?z)a', /unknown kind of group/, 0],
      ['(?i)*', /nothing to repeat/, 4],
      ['a|*', /nothing to repeat/, 2],
      ['\\é', /unknown escape/, 0],
      ['[[:a-b:]]', /unknown class/, 1],
      ['\\p{Grek}', /unknown character property/, 0],
      ['\\p{Letter}', /unknown character property/, 0],
      ['\\p{LC}', /unknown character property/, 0],
      ['\\p{greek}', /unknown character property/, 0],
      ['(a)\\1', /back-references/, 3],
      ['a\\', /ends/, 2],
      ['\\y', /unknown escape/, 0],
      ['[b-a]', /wrong way/, 4],
      ['[[:alphabet:]]', /unknown class/, 1],
      ['[[:constructor:]]', /unknown class|./, 1],
      ['\\p{NoSuchScript}', /./, 0],
      ['\\x{110000}', /no such character/, 0],
      ['('.repeat(300), /nested/, 200],
      ['((a{1000}){1000}){2}', /repeats too much/, 0],
    ];
    for (const [regex, message, offset] of refused) {
      expect(() => compileRegex(regex), regex)
        .to.throw(RegexSyntaxError)
        .satisfies((error: RegexSyntaxError) => message.test(error.message) && error.offset === offset, `${regex}`);
    }
  });

  it('decides assertions by the characters on both sides', () => {
    matchesExactly(String.raw`.*\bfoo\b.*`, ['foo', 'a foo b', 'foo-bar'], ['afoo', 'foob', 'foo_']);
    matchesExactly(String.raw`a\Bb\B`, [], ['ab', 'ab ']);
    matchesExactly(String.raw`a\Bb\b`, ['ab'], ['a b']);
    matchesExactly('(^a|b)+', ['a', 'ab', 'b', 'bb'], ['aa', 'ba']);
    matchesExactly('(a$|b)*', ['', 'ba', 'bb'], ['ab']);
    matchesExactly('a^', [], ['a', 'aa']);
    matchesExactly('(?m)(^a\n?)+$', ['a', 'a\na', 'a\na\n'], ['aa']);
    matchesExactly('^*$', [''], ['a']);
  });

  it('takes no longer than the text is long, whatever the expression', () => {
    const text = 'a'.repeat(20_000);
    for (const regex of ['(a+)+b', '(a|aa)+b', '(.*)*b', '(a*)*', 'a*a*a*a*a*b', '([a-z]+)*x', '(a|b|ab)*c']) {
      expect(matches(regex, text), regex).to.equal(regex === '(a*)*');
    }
  });

  it('stays within its bounds with thousands of different characters', () => {
    const characters = Array.from({ length: 6000 }, (_, i) => String.fromCodePoint(0x4e00 + i));
    const text = characters.join('');
    const regex = compileRegex(`(${characters.slice(0, 500).join('|')}|[^a-z])*(?:x.*)?`);
    expect(regex.matches(text)).to.equal(true);
    expect(regex.matches(`${text}xüy`)).to.equal(true);
    expect(regex.matches(`${text}y`)).to.equal(false);
  });

  it('goes on when an expression has more states than are kept', () => {
    const regex = '(a|b)*a(a|b){11}';
    const value = (seed: number): string =>
      Array.from({ length: 400 }, (_, i) => ((seed * 7919 + i * i * 31 + (i >> 3)) % 3 === 0 ? 'a' : 'b')).join('');
    for (let seed = 0; seed < 40; seed++) {
      const text = value(seed);
      expect(matches(regex, text)).to.equal(text[text.length - 12] === 'a');
    }
    const one = compileRegex('(?i)[ab]*a[ab]{14}');
    for (let seed = 0; seed < 60; seed++) {
      const text = value(seed);
      expect(one.matches(text)).to.equal(text[text.length - 15] === 'a');
    }
  });

  it('lists the literal texts that can match, when they are few', () => {
    const literals = (regex: string): readonly string[] | undefined => compileRegex(regex).literals;
    expect(literals('a')).to.deep.equal(['a']);
    expect(literals('a|b|c')).to.deep.equal(['a', 'b', 'c']);
    expect(literals('node-[0-2]')).to.deep.equal(['node-0', 'node-1', 'node-2']);
    expect(literals('(a|b)(c|d)?')).to.deep.equal(['ac', 'ad', 'a', 'bc', 'bd', 'b']);
    expect(literals(String.raw`10\.0\.0\.1:9100`)).to.deep.equal(['10.0.0.1:9100']);
    expect(literals('')).to.deep.equal(['']);
    expect(literals('a|a')).to.deep.equal(['a']);
    for (const regex of ['a.*', 'a+', '[^a]', '(?i)a', '^a', '[a-z]{2}', '[0-9][0-9][0-9][0-9]']) {
      expect(literals(regex), regex).to.equal(undefined);
    }
  });

  it('tells the literal beginning', () => {
    const prefix = (regex: string): string => compileRegex(regex).prefix;
    expect(prefix('node-.*')).to.equal('node-');
    expect(prefix('node(-.*|x)+')).to.equal('node');
    expect(prefix('(node.*)x')).to.equal('node');
    expect(prefix('(?i)node.*')).to.equal('');
    expect(prefix('a|b.*')).to.equal('');
    matchesExactly('node-.*', ['node-', 'node-1\n2'], ['node', 'xnode-']);
    matchesExactly('.*', ['', 'a\n'], []);
    matchesExactly('node-.+', ['node-1'], ['node-', 'nod']);
  });

  it('agrees with JavaScript where the syntaxes agree', () => {
    const piece = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '[^a]',
      '(a|b)',
      '(?:ab|)',
      'c',
      '(?:a*b?)',
      '(?:^a|b$)',
      '\\b',
      '\\B',
    );
    const regexes = fc.array(
      fc
        .tuple(piece, fc.constantFrom('', '', '*', '+', '?', '{1,2}', '{2,}'))
        // JavaScript can't repeat assertions.
        .map(([part, times]) => (part.startsWith('\\') ? part : part + times)),
      { maxLength: 5 },
    );
    const alternatives = fc.array(
      regexes.map((parts) => parts.join('')),
      { minLength: 1, maxLength: 3 },
    );
    const values = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n', ' '), maxLength: 6 });
    fc.assert(
      fc.property(
        alternatives.map((parts) => parts.join('|')),
        values,
        (regex, value) => {
          expect(matches(regex, value)).to.equal(new RegExp(`^(?:${regex})$`, 'su').test(value));
          const { literals, prefix } = compileRegex(regex);
          if (literals !== undefined) expect(literals.includes(value)).to.equal(matches(regex, value));
          if (matches(regex, value)) expect(value.startsWith(prefix)).to.equal(true);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('never fails with anything but its own error', () => {
    const unit = fc.constantFrom(
      'a',
      '(',
      ')',
      '[',
      ']',
      '\\',
      '?',
      '*',
      '+',
      '{',
      '1',
      ',',
      '}',
      '|',
      '^',
      '$',
      '-',
      ':',
      'p',
      'Q',
      'E',
      '🚀',
      'P',
      '<',
      '>',
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (regex) => {
        try {
          compileRegex(regex).matches('a(1');
        } catch (error) {
          expect(error).to.be.instanceOf(RegexSyntaxError);
        }
      }),
      { numRuns: 5000 },
    );
  });
});

describe('compileMatcher', () => {
  it('turns the tests of != and !~ around', () => {
    const negative = compileMatcher({ name: 'a', op: '!~', value: 'x|y' });
    expect([negative.matches('x'), negative.matches('z'), negative.matchesEmpty]).to.deep.equal([false, true, true]);
    expect(negative.literals).to.deep.equal(['x', 'y']);
    const unequal = compileMatcher({ name: 'a', op: '!=', value: '' });
    expect([unequal.matches(''), unequal.matches('z'), unequal.matchesEmpty]).to.deep.equal([false, true, false]);
  });

  it('shows the regular expression that is wrong, and where', () => {
    expect(() => compileMatcher({ name: 'job', op: '=~', value: 'a(b' }))
      .to.throw('job=~"a(b" is not valid at character 2: missing )')
      .with.property('code', 'TIDEMARK_INVALID_SELECTOR');
  });
});
