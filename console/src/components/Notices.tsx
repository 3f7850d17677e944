import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { createContext, useContext, useMemo, useState, type ReactNode } from "react";

interface Notices {
  tell: (content: string) => void;
}

const Context = createContext<Notices>({ tell: () => undefined });
const Shown = createContext<FlashbarProps.MessageDefinition[]>([]);

export const useNotices = () => useContext(Context);

/** Outcomes of what was asked for, for some seconds or until they are dismissed; the newest five. */
export function NoticesProvider({ children }: { children: ReactNode }) {
  const [items, setItems] = useState<FlashbarProps.MessageDefinition[]>([]);
  const notices = useMemo(
    (): Notices => ({
      tell: (content) => {
        const id = crypto.randomUUID();
        const dismiss = () => setItems((before) => before.filter((item) => item.id !== id));
        const item: FlashbarProps.MessageDefinition = { id, type: "success", content, dismissible: true, dismissLabel: "Dismiss", onDismiss: dismiss };
        setItems((before) => [item, ...before].slice(0, 5));
        window.setTimeout(dismiss, 8000);
      },
    }),
    [],
  );
  return (
    <Context.Provider value={notices}>
      <Shown.Provider value={items}>{children}</Shown.Provider>
    </Context.Provider>
  );
}

export function NoticesBar() {
  return <Flashbar items={useContext(Shown)} />;
}
