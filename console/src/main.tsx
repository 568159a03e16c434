// Where the page begins.

import "@cloudscape-design/global-styles/index.css";
import "virtual:theme.css";
import "./style.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { loadSession } from "./api/session";
import { App } from "./app";
import { startSettings } from "./lib/settings";

startSettings();
void loadSession();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root.");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
