/** Answers each line of its input, a simulation, with what @cloud-copilot/iam-simulate decides, on a line of its own. */

import { createInterface } from "node:readline";
import { runSimulation } from "@cloud-copilot/iam-simulate";

for await (const line of createInterface({ input: process.stdin })) {
  const { request, identity, resource } = JSON.parse(line);
  const answer = await runSimulation(
    {
      request,
      identityPolicies: identity.map((policy, index) => ({ name: String(index), policy })),
      resourcePolicy: resource ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
    },
    {},
  );
  // A key that it would ignore, or a policy that it refuses, would compare nothing.
  const ignored = answer.result?.ignoredContextKeys ?? [];
  const said = ignored.length ? `ignored ${ignored}` : (answer.overallResult ?? JSON.stringify(answer.errors));
  process.stdout.write(`${said}\n`);
}
