// A form for the statements that queues most often need. It writes into the editor, and saves nothing.

import Box from "@cloudscape-design/components/box";
import FormField from "@cloudscape-design/components/form-field";
import Modal from "@cloudscape-design/components/modal";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Textarea from "@cloudscape-design/components/textarea";
import { useState } from "react";
import { DialogButtons } from "../../../components/dialog-buttons";
import { addStatement, makeStatement, statementNames, type StatementRequest } from "../../../lib/policy-statements";

interface AddStatementProps {
  policy: string;
  queueArn: string;
  onAdd: (policy: string) => void;
  onClose: () => void;
}

export function AddStatement({ policy, queueArn, onAdd, onClose }: AddStatementProps) {
  const [kind, setKind] = useState<StatementRequest["kind"]>("send");
  const [accountText, setAccountText] = useState("");
  const [refusal, setRefusal] = useState("");
  const accounts = accountText.split(/[\s,]+/).filter((account) => account !== "");
  const wrong = accounts.find((account) => !/^\d{12}$/.test(account));
  const accountsNeeded = kind !== "secureTransport";

  const add = () => {
    if (accountsNeeded && accounts.length === 0) return setRefusal("Name at least one account.");
    if (accountsNeeded && wrong) return setRefusal(`An account has twelve digits; ${wrong} has not.`);
    const added = addStatement(policy, makeStatement({ kind, accounts }, queueArn, statementNames(policy)));
    if (added === undefined) return setRefusal("The text in the editor is no policy yet. Correct it first.");
    onAdd(added);
  };

  return (
    <Modal
      visible
      header="Add a statement"
      closeAriaLabel="Close"
      onDismiss={onClose}
      footer={<DialogButtons verb="Add to the editor" act={add} close={onClose} />}
    >
      <SpaceBetween size="m">
        <FormField label="What the statement does" stretch>
          <RadioGroup
            value={kind}
            onChange={({ detail }) => {
              setKind(detail.value as StatementRequest["kind"]);
              setRefusal("");
            }}
            items={[
              { value: "send", label: "Allow accounts to send", description: "SendMessage and GetQueueUrl" },
              {
                value: "receive",
                label: "Allow accounts to receive",
                description: "Receive, delete, change visibility, and see attributes and URL",
              },
              { value: "full", label: "Allow accounts everything that other accounts can be allowed" },
              {
                value: "secureTransport",
                label: "Refuse plain HTTP",
                description: "Denies everybody what does not come over TLS",
              },
            ]}
          />
        </FormField>
        {accountsNeeded && (
          <FormField
            label="Accounts"
            description="Twelve digits each, separated by spaces, commas or lines."
            constraintText="The users of another account also need a policy of their own that allows the action."
            errorText={refusal}
          >
            <Textarea
              rows={3}
              value={accountText}
              onChange={({ detail }) => {
                setAccountText(detail.value);
                setRefusal("");
              }}
            />
          </FormField>
        )}
        {!accountsNeeded && refusal !== "" && <Box color="text-status-error">{refusal}</Box>}
      </SpaceBetween>
    </Modal>
  );
}
