// Checks definitions of state machines: standard input is a JSON object of them by name. Exit code 1 if one is refused.
import { readFileSync } from "node:fs";
import validate from "asl-validator";

const definitions = Object.entries(JSON.parse(readFileSync(0, "utf8")));
if (definitions.length === 0) {
  console.error("no definitions to check");
  process.exit(1);
}
for (const [name, definition] of definitions) {
  const { isValid, errors } = validate(definition, { checkPaths: true, checkArn: true });
  if (!isValid) {
    process.exitCode = 1;
    for (const error of errors) {
      console.error(`${name}: ${error["Error code"]} ${error.path ?? ""} ${error.Message}`);
    }
  }
}
