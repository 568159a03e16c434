// The colours of colors.css, for style properties. They are custom properties, so they follow the mode and
// reach into shadow roots, too.

import "./colors.css";

export const text = "var(--console-text)";
export const textSecondary = "var(--console-text-secondary)";
export const link = "var(--console-link)";
export const good = "var(--console-good)";
export const bad = "var(--console-bad)";
export const ground = "var(--console-ground)";
export const marked = "var(--console-marked)";
export const line = "var(--console-line)";
export const border = "var(--console-border)";
export const focus = "var(--console-focus)";
