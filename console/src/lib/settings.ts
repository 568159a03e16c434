// What a person chose about the look of the console, kept in this browser. Nothing secret is ever kept.
// public/theme.js reads the same record before the page is drawn.

import { applyDensity, applyMode, Density, Mode } from "@cloudscape-design/global-styles";
import { Store, useStore } from "./store";

export interface SavedView {
  name: string;
  /** What stands in the address of the list: "type=fifo&sort=age". */
  query: string;
}

export interface Settings {
  theme: "system" | "light" | "dark";
  density: "compact" | "comfortable";
  /** Live figures stand still while this is set. */
  paused: boolean;
  /** The shown columns of a list, in their order, by the name of the list. */
  columns: Record<string, string[]>;
  /** The widths of a list's columns in pixels, likewise. */
  widths: Record<string, Record<string, number>>;
  /** Queues on a page. */
  pageSize: number;
  /** Views of the list of queues that were given a name. */
  views: SavedView[];
}

const settingsKey = "millrace.settings";

const defaults: Settings = {
  theme: "system",
  density: "compact",
  paused: false,
  columns: {},
  widths: {},
  pageSize: 50,
  views: [],
};

function load(): Settings {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(settingsKey) ?? "{}");
    return typeof kept === "object" ? { ...defaults, ...kept } : defaults;
  } catch {
    return defaults;
  }
}

const settings = new Store(load());
const systemTheme = window.matchMedia("(prefers-color-scheme: dark)");

function apply(): void {
  const { theme, density } = settings.get();
  const dark = theme === "dark" || (theme === "system" && systemTheme.matches);
  applyMode(dark ? Mode.Dark : Mode.Light);
  applyDensity(density === "compact" ? Density.Compact : Density.Comfortable);
}

/** Applies the settings to the page, now and whenever they or the system's theme change. */
export function startSettings(): void {
  apply();
  settings.subscribe(apply);
  systemTheme.addEventListener("change", apply);
  // Chosen in another tab, it holds here too, and is not written over by the next choice here.
  window.addEventListener("storage", ({ key }) => {
    if (key === settingsKey) settings.set(load());
  });
}

export function changeSettings(change: Partial<Settings>): void {
  settings.update((now) => ({ ...now, ...change }));
  try {
    localStorage.setItem(settingsKey, JSON.stringify(settings.get()));
  } catch {
    // A browser without storage forgets the choice with the page, which is all that can be done.
  }
}

export function useSettings(): Settings {
  return useStore(settings);
}
