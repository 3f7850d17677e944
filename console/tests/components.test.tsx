import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { DataTable } from "../src/components/DataTable";
import { ExecutionCard, waveLine } from "../src/components/ExecutionCard";
import { ProblemAlert } from "../src/components/Problem";
import { Text } from "../src/components/Text";
import { WaveGraph } from "../src/components/WaveGraph";
import { WaveList } from "../src/components/WaveList";
import { YamlEditor } from "../src/components/YamlEditor";
import { ApiError } from "../src/api/client";
import { execution, wave } from "./samples";

test("the card says what seed 002 says, word for word", () => {
  const one = execution("PARTIAL_SUCCESS", [wave(1, "COMPLETED"), wave(2, "CANCELLED"), wave(3, "CANCELLED")], {
    display: { label: "PARTIAL SUCCESS (1 of 3 waves completed)", color: "orange", icon: "⚠️" },
  });
  render(<ExecutionCard execution={one} seconds={38} />);
  const card = screen.getByTestId("card");
  const lines = [...card.querySelectorAll(":scope > div, li")].map((line) => line.textContent);
  expect(lines).toEqual([
    "Recovery Plan: 3TierRecoveryPlan",
    "Status: PARTIAL SUCCESS (1 of 3 waves completed)",
    "Wave 1: COMPLETED ✓",
    "Wave 2: CANCELLED",
    "Wave 3: CANCELLED",
    "Duration: 38s",
  ]);
  expect(card.querySelector(".wb-orange")?.textContent).toContain("PARTIAL SUCCESS");
});

test.each(["FAILED", "NOT_STARTED", "IN_PROGRESS", "SKIPPED", "AWAITING_APPROVAL"])("only a completed wave has a mark: %s", (status) => {
  expect(waveLine({ waveNumber: 2, status })).toBe(`Wave 2: ${status.replaceAll("_", " ")}`);
});

test("waves have the badges that the API gives, and their actions", async () => {
  const chosen = vi.fn();
  const one = execution("IN_PROGRESS", [wave(1, "COMPLETED"), wave(2, "AWAITING_APPROVAL"), wave(3, "NOT_STARTED")]);
  render(<WaveList now={0} execution={one} onAction={(which, action) => chosen(which.waveNumber, action)} />);
  expect(screen.getByTestId("wave-1").textContent).toContain("✓ Completed");
  expect(screen.getByTestId("wave-2").textContent).toContain("⏸\ufe0e Awaiting Approval");
  expect(within(screen.getByTestId("wave-1")).queryByRole("button")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "Skip wave 3" }));
  expect(chosen).toHaveBeenCalledWith(3, "skip");
});

test("a pause is drawn, since many machines have its glyph as a coloured picture only; it stays to be read", async () => {
  const one = execution("IN_PROGRESS", [wave(1, "COMPLETED"), wave(2, "AWAITING_APPROVAL")]);
  render(<WaveList now={0} execution={one} onAction={() => undefined} />);
  expect(screen.getByTestId("wave-2").querySelector(".wb-pause")?.textContent).toBe("⏸\ufe0e");
  expect(screen.getByTestId("wave-1").querySelector(".wb-pause")).toBeNull();

  const nodes = one.waves.map(({ name, display }) => ({ name, dependsOn: [], label: name, note: "", icon: display.icon, state: display.label, color: "gray" }));
  const { container } = render(<WaveGraph nodes={nodes} label="Graph of waves" />);
  const states = [...container.querySelectorAll("text.wb-state")].map((text) => text.textContent);
  expect(states).toEqual(["✓ Completed", "Awaiting Approval"]);
  expect(container.querySelectorAll("path.wb-state")).toHaveLength(1);
});

test("markup of others is text", () => {
  const { container } = render(<Text>{'<img src=x onerror="alert(1)">\u202e'}</Text>);
  expect(container.querySelector("img")).toBeNull();
  expect(container.textContent).toBe('<img src=x onerror="alert(1)">\u2423202E');
});

test("a refusal is shown in its own words, with who holds it", () => {
  render(<ProblemAlert error={new ApiError(409, { title: "Conflict", detail: "s-1 is held", code: "SERVER_BUSY", executionId: "drill-7" })} />);
  expect(screen.getByText("s-1 is held")).toBeTruthy();
  expect(screen.getByText("drill-7").closest("a")?.getAttribute("href")).toBe("/executions/drill-7");
});

test("faults are marked at their lines", () => {
  render(<YamlEditor value={"a\nb\nc"} onChange={() => undefined} faults={[{ pointer: "/b", message: "wrong", line: 2 }]} label="Plan" />);
  expect(document.querySelector(".wb-gutter .wb-fault")?.textContent).toBe("✗ 2");
  expect(screen.getByLabelText("Plan").getAttribute("aria-invalid")).toBe("true");
});

test("a graph is told to those who do not see it", () => {
  const node = { label: "1 a", note: "", color: "green", state: "Completed" };
  render(<WaveGraph label="Graph" nodes={[{ ...node, name: "a", dependsOn: [] }, { ...node, name: "b", label: "2 b", dependsOn: ["a"] }]} />);
  expect(screen.getByRole("img", { name: "1 a: Completed; 2 b after a: Completed" })).toBeTruthy();
});

test("a table pages, filters and sorts over everything", async () => {
  const items = Array.from({ length: 4000 }, (_, at) => ({ id: at }));
  render(
    <DataTable
      title="Things"
      items={items}
      rowKey={(row) => String(row.id)}
      empty="none"
      columns={[{ id: "id", header: "Id", value: (row) => row.id, cell: (row) => `thing ${row.id}` }]}
    />,
  );
  expect(screen.getAllByText(/^thing /)).toHaveLength(50);
  await userEvent.type(screen.getByLabelText("Filter Things"), "3999");
  expect(await screen.findByText("thing 3999")).toBeTruthy();
  expect(screen.getAllByText(/^thing /)).toHaveLength(1);
});
