import Alert from "@cloudscape-design/components/alert";
import AppLayoutToolbar from "@cloudscape-design/components/app-layout-toolbar";
import Box from "@cloudscape-design/components/box";
import ContentLayout from "@cloudscape-design/components/content-layout";
import Header from "@cloudscape-design/components/header";
import SegmentedControl from "@cloudscape-design/components/segmented-control";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useEffect, useState, type ReactElement } from "react";
import { useSession } from "./api/queries";
import { NoticesBar, NoticesProvider } from "./components/Notices";
import { Text } from "./components/Text";
import { useNow } from "./lib/now";
import { go, paths, usePlace, type Place } from "./lib/router";
import { applyTheme, chosenTheme, type Theme } from "./lib/theme";
import { duration } from "./lib/time";
import { Command } from "./pages/Command";
import { Commands } from "./pages/Commands";
import { Execution } from "./pages/Execution";
import { Executions } from "./pages/Executions";
import { Operations } from "./pages/Operations";
import { Plan } from "./pages/Plan";
import { Plans } from "./pages/Plans";

/** Pixels of a window in which tables have room beside the navigation. */
const ROOMY = 1400;

export function App() {
  const place = usePlace();
  const [open, setOpen] = useState(() => window.innerWidth > ROOMY);
  const [section = "plans", id] = place.segments;
  useEffect(() => {
    document.title = `${id ?? section} – Wavebreak`;
  }, [section, id]);
  return (
    <NoticesProvider>
      <AppLayoutToolbar
        toolsHide
        navigationOpen={open}
        onNavigationChange={({ detail }) => setOpen(detail.open)}
        ariaLabels={{ navigation: "Navigation", navigationClose: "Close navigation", navigationToggle: "Open navigation", notifications: "Notifications" }}
        navigation={<Navigation section={section} onGo={() => window.innerWidth <= ROOMY && setOpen(false)} />}
        notifications={<NoticesBar />}
        content={
          <SpaceBetween size="s">
            <CredentialsAlert />
            {pageOf(place)}
          </SpaceBetween>
        }
      />
    </NoticesProvider>
  );
}

function pageOf({ segments: [section = "plans", id, rest] }: Place): ReactElement {
  if (rest === undefined) {
    switch (section) {
      case "plans":
        return id ? <Plan key={id} planId={id} /> : <Plans />;
      case "executions":
        return id ? <Execution key={id} executionId={id} /> : <Executions />;
      case "commands":
        return id ? <Command key={id} commandId={id} /> : <Commands />;
      case "operations":
        if (!id) return <Operations />;
    }
  }
  return (
    <ContentLayout header={<Header variant="h1">Not found</Header>}>
      <Box>There is no such page.</Box>
    </ContentLayout>
  );
}

function Navigation({ section, onGo }: { section: string; onGo: () => void }) {
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const session = useSession();
  return (
    <>
      <SideNavigation
        header={{ text: "Wavebreak", href: paths.plans() }}
        activeHref={`/${section}`}
        items={[
          { type: "link", text: "Plans", href: paths.plans() },
          { type: "link", text: "Executions", href: paths.executions() },
          { type: "link", text: "Commands", href: paths.commands() },
          { type: "link", text: "Operations", href: paths.operations() },
        ]}
        onFollow={(event) => {
          event.preventDefault();
          go(event.detail.href);
          onGo();
        }}
      />
      <Box padding="l">
        <SpaceBetween size="m">
          <SegmentedControl
            label="Colours"
            selectedId={theme}
            options={[
              { id: "system", text: "System" },
              { id: "light", text: "Light" },
              { id: "dark", text: "Dark" },
            ]}
            onChange={({ detail }) => {
              applyTheme(detail.selectedId as Theme);
              setTheme(detail.selectedId as Theme);
            }}
          />
          {session.data && (
            <Box color="text-body-secondary" fontSize="body-s">
              <Text>{session.data.apiUrl}</Text>
              <div>Times are those of {Intl.DateTimeFormat().resolvedOptions().timeZone}.</div>
            </Box>
          )}
        </SpaceBetween>
      </Box>
    </>
  );
}

const SOON = 15 * 60;

/** Says that the credentials have expired or are about to, and that this server is gone. */
function CredentialsAlert() {
  const session = useSession();
  const credentials = session.data?.credentials;
  const now = useNow(Boolean(credentials?.expiresAt));
  if (session.error) {
    return (
      <Alert type="error" statusIconAriaLabel="Error" header="The server of this page does not answer">
        <Text>{session.error.message}</Text>
      </Alert>
    );
  }
  if (credentials?.problem) {
    return (
      <Alert type="error" statusIconAriaLabel="Error" header="The credentials are not accepted">
        <Text>{credentials.problem}</Text> New ones are taken up as soon as they are there (aws sso login, or the profile that
        this page was started with).
      </Alert>
    );
  }
  const left = credentials?.expiresAt ? (new Date(credentials.expiresAt).getTime() - now) / 1000 : null;
  if (left === null || left > SOON) return null;
  return (
    <Alert type="warning" statusIconAriaLabel="Warning" header={left > 0 ? `The credentials expire in ${duration(left)}` : "The credentials have expired"}>
      Renew them where they come from; this page takes up new ones by itself.
    </Alert>
  );
}
