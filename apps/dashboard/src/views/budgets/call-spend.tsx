/** What calls through the spend gate cost, by worker, model and tenant. */
import type { Printed, SpendDocument } from "@agentcore/contract";
import type { JSX } from "preact";
import { countText, plainText } from "../../format.ts";
import { Table } from "../../parts/table.tsx";
import { Money } from "../../parts/values.tsx";

type Metered = Printed<SpendDocument>["metered"];

export function CallSpendTables({ metered }: { readonly metered: Metered }): JSX.Element | null {
  if (metered.workers.length === 0) return null;
  const kinds = { Worker: metered.workers, Model: metered.models, Tenant: metered.tenants };
  return (
    <>
      {Object.entries(kinds).map(([kind, entries]) => (
        <Table
          key={kind}
          columns={[
            { header: kind, cell: ({ name }) => plainText(name ?? "none") },
            { header: "Calls", align: "end", cell: ({ calls }) => countText(calls) },
            { header: "Tokens", align: "end", narrow: true, cell: ({ tokens }) => countText(tokens) },
            { header: "Open", align: "end", narrow: true, cell: ({ heldUsd }) => <Money usd={heldUsd} /> },
            { header: "Spent", align: "end", cell: ({ costUsd }) => <Money usd={costUsd} /> },
          ]}
          rows={entries}
          rowKey={({ name }) => name ?? ""}
          empty=""
          caption={`Calls through the spend gate by ${kind.toLowerCase()}`}
        />
      ))}
    </>
  );
}
