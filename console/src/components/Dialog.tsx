import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Modal, { type ModalProps } from "@cloudscape-design/components/modal";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import type { ReactNode } from "react";
import { ProblemAlert } from "./Problem";

interface Props {
  title: string;
  button: string;
  /** The call that the button makes: while it is on its way, and how it failed. */
  call: { isPending: boolean; error: unknown; mutate: () => void };
  onClose: () => void;
  ready?: boolean;
  size?: ModalProps.Size;
  children: ReactNode;
}

/** Asks before a call is made, and stays with its refusal. */
export function ConfirmDialog({ title, button, call, onClose, ready = true, size = "medium", children }: Props) {
  return (
    <Modal
      visible
      size={size}
      header={title}
      onDismiss={onClose}
      closeAriaLabel="Close"
      footer={
        <Box float="right">
          <SpaceBetween direction="horizontal" size="xs">
            <Button variant="link" onClick={onClose}>
              Back
            </Button>
            <Button variant="primary" disabled={!ready} loading={call.isPending} onClick={() => call.mutate()} data-testid="confirm">
              {button}
            </Button>
          </SpaceBetween>
        </Box>
      }
    >
      <SpaceBetween size="m">
        <ProblemAlert error={call.error} />
        {children}
      </SpaceBetween>
    </Modal>
  );
}

interface TextProps {
  value: string;
  onChange: (value: string) => void;
}

export function ReasonField({ label = "Reason", value, onChange }: TextProps & { label?: string }) {
  return (
    <FormField label={label} description="Optional; it stands in the audit trail.">
      <Textarea value={value} rows={2} onChange={({ detail }) => onChange(detail.value)} />
    </FormField>
  );
}

/** An id that has to be typed before what cannot be taken back. */
export function TypedId({ label, wanted, value, onChange }: TextProps & { label: string; wanted: string }) {
  return (
    <FormField label={label} description={`Type ${wanted} to confirm.`}>
      <Input value={value} autoComplete={false} spellcheck={false} onChange={({ detail }) => onChange(detail.value)} />
    </FormField>
  );
}
