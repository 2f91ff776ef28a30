/** Checks the configuration of a program as that of a file is checked. */
import { AgentCoreError } from "@agentcore/contract";
import { describeValue, type Environment } from "@agentcore/yaml-file";
import { configJsonSchema, configSchema, type Config, type ConfigInput } from "../config/schema.ts";

/** Throws `AC_CONFIG_INVALID` with every wrong setting. */
export function checkConfig(input: ConfigInput, env: Environment): Config {
  const parsed = configSchema(env).safeParse(input);
  if (parsed.success) return parsed.data;
  const problems = describeValue(parsed.error.issues, input, configJsonSchema, { subject: "config" });
  throw new AgentCoreError("AC_CONFIG_INVALID", problems.join("; "), { evidence: { problems } });
}
