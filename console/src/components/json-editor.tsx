// An editor for JSON with line marks for what is wrong in it.
//
// It lives in a shadow root: there CodeMirror hands its rules to the browser as adopted style sheets, where
// in the page it would write a <style> element, which the content security policy refuses.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter, lintKeymap } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef } from "react";
import * as colors from "../lib/colors";
import type { Finding } from "../lib/policy-lint";

export interface JsonEditorHandle {
  /** Puts the cursor on a place of the text and shows it. */
  goTo(position: number): void;
}

export interface JsonEditorProps {
  value: string;
  onChange: (value: string) => void;
  /** What to mark; must stay the same function from one drawing to the next. */
  lint: (text: string) => Finding[];
  label: string;
  ref?: Ref<JsonEditorHandle>;
}

export function JsonEditor({ value, onChange, lint, label, ref }: JsonEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const changed = useEffectEvent(onChange);
  const firstValue = useEffectEvent(() => value);

  useEffect(() => {
    if (!host.current) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: "open" });
    const editor = new EditorView({
      root,
      parent: root,
      state: EditorState.create({
        doc: firstValue(),
        extensions: [
          lineNumbers(),
          lintGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          json(),
          linter((edited) => lint(edited.state.doc.toString()), { delay: 200 }),
          syntaxHighlighting(highlighting),
          theme,
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label }),
          // Tab is left to the browser: it leaves the editor, so that nobody is caught in it.
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) changed(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [lint, label]);

  useEffect(() => {
    const editor = view.current;
    if (!editor || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useImperativeHandle(ref, () => ({
    goTo(position) {
      const editor = view.current;
      if (!editor) return;
      const anchor = Math.min(position, editor.state.doc.length);
      editor.dispatch({ selection: { anchor }, scrollIntoView: true });
      editor.focus();
    },
  }));

  return <div ref={host} />;
}

// The tokens are custom properties of the page, which reach into the shadow root: so light and dark follow.
const theme = EditorView.theme({
  "&": {
    color: colors.text,
    backgroundColor: colors.ground,
    border: `1px solid ${colors.border}`,
    borderRadius: "8px",
    fontSize: "13px",
    maxHeight: "60vh",
    overflow: "hidden",
  },
  "&.cm-focused": { outline: `2px solid ${colors.focus}`, outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "monospace", overflow: "auto", minHeight: "12em" },
  ".cm-content": { caretColor: colors.text },
  ".cm-cursor": { borderLeftColor: colors.text },
  ".cm-gutters": {
    color: colors.textSecondary,
    backgroundColor: colors.ground,
    borderRight: `1px solid ${colors.line}`,
  },
  ".cm-activeLine": { backgroundColor: "transparent" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: colors.marked,
  },
  ".cm-tooltip": {
    color: colors.text,
    backgroundColor: colors.ground,
    border: `1px solid ${colors.line}`,
  },
});

const highlighting = HighlightStyle.define([
  { tag: tags.propertyName, color: colors.link },
  { tag: tags.string, color: colors.good },
  { tag: [tags.number, tags.bool, tags.null], color: colors.bad },
]);
