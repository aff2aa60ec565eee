/**
 * The editor for PromQL: completion from the store, mistakes marked while typing. It is loaded when the field is focused,
 * because it is larger than all else of the pages.
 *
 * It is in a shadow tree: there CodeMirror uses constructed style sheets, which the Content-Security-Policy allows, in
 * place of style elements, which it does not.
 */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewline } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { addressOf } from '../../../server/page-address.ts';
import { completionFor } from './completion.ts';

interface EditorOptions {
  readonly parent: ShadowRoot;
  readonly text: string;
  readonly label: string;
  readonly placeholder: string;
  readonly onSubmit: () => void;
}

const highlighting = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--lit)' },
  { tag: [tags.function(tags.variableName), tags.standard(tags.name)], color: 'var(--accent)' },
  { tag: [tags.string], color: 'var(--good)' },
  { tag: [tags.number, tags.integer, tags.float], color: 'var(--warn)' },
  { tag: tags.labelName, color: 'var(--accent)' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

const theme = EditorView.theme({
  '&': {
    color: 'var(--ink)',
    backgroundColor: 'var(--panel)',
    border: '1px solid var(--edge)',
    borderRadius: '7px',
    fontSize: '13px',
  },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '1px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.5' },
  '.cm-content': { padding: '5px 6px', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-placeholder': { color: 'var(--soft)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, ::selection': {
    backgroundColor: 'var(--accent-soft)',
  },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-soft) !important' },
  '.cm-tooltip': {
    color: 'var(--ink)',
    backgroundColor: 'var(--panel)',
    border: '1px solid var(--line)',
    borderRadius: '8px',
    boxShadow: '0 8px 26px rgb(0 0 0 / 22%)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', fontSize: '12px', maxHeight: '300px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--accent)' },
  '.cm-completionDetail': { color: 'var(--soft)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700' },
  '.cm-completionInfo': { maxWidth: '320px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
});

export interface Editor {
  text: string;
  readonly focus: () => void;
  readonly destroy: () => void;
}

/** Makes an editor in an element's shadow tree, with the cursor at the end of the text. */
export const createEditor = ({ parent, text, label, placeholder: hint, onSubmit }: EditorOptions): Editor => {
  const promql = new PromQLExtension().setComplete({ completeStrategy: completionFor(addressOf('')) });
  const submit = (target: EditorView): boolean => {
    closeCompletion(target);
    onSubmit();
    return true;
  };
  const view = new EditorView({
    parent,
    root: parent,
    state: EditorState.create({
      doc: text,
      selection: { anchor: text.length },
      extensions: [
        theme,
        syntaxHighlighting(highlighting),
        promql.asExtension(),
        autocompletion({ icons: false }),
        history(),
        bracketMatching(),
        closeBrackets(),
        placeholder(hint),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...lintKeymap]),
        Prec.high(keymap.of([{ key: 'Mod-Enter', run: submit }])),
        keymap.of([
          {
            key: 'Enter',
            run: submit,
            shift: insertNewline,
          },
        ]),
        keymap.of([...historyKeymap, ...defaultKeymap]),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    set text(next) {
      if (next !== view.state.doc.toString())
        view.dispatch({
          changes: { from: 0, to: view.state.doc.length, insert: next },
          selection: { anchor: next.length },
        });
    },
    focus: () => view.focus(),
    destroy: () => {
      promql.destroy();
      view.destroy();
    },
  };
};
