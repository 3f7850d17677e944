import "@cloudscape-design/global-styles/index.css";
import "./style.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { makeClient } from "./api/queries";
import { App } from "./App";
import { applyTheme, chosenTheme } from "./lib/theme";

applyTheme(chosenTheme());
createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <I18nProvider locale="en" messages={[messages]}>
      <QueryClientProvider client={makeClient()}>
        <App />
      </QueryClientProvider>
    </I18nProvider>
  </StrictMode>,
);
