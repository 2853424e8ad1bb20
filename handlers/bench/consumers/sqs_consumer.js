// bbc/sqs-consumer with a handler that does nothing: node sqs_consumer.js URL default|best
import { createInterface } from "node:readline";
import { SQSClient } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const [queueUrl, how] = process.argv.slice(2);
const delays = [];
const handled = (message) => delays.push(Date.now() - Number(message.Body));
const sqs = new SQSClient({});
const common = { queueUrl, sqs };

const consumers =
  how === "best"
    ? Array.from({ length: 4 }, () =>
        Consumer.create({
          ...common,
          batchSize: 10,
          handleMessageBatch: async (messages) => {
            messages.forEach(handled);
            return messages;
          },
        }),
      )
    : [
        Consumer.create({
          ...common,
          handleMessage: async (message) => {
            handled(message);
            return message;
          },
        }),
      ];

for (const consumer of consumers) {
  for (const event of ["error", "processing_error"]) {
    consumer.on(event, (error) => console.error(error.message));
  }
}

const lines = createInterface({ input: process.stdin });
lines.once("line", () => consumers.forEach((consumer) => consumer.start()));
lines.once("close", () => {
  // What is written to a pipe is lost if the process ends before it is read.
  process.stdout.write(`${JSON.stringify(delays)}\n`, () => process.exit(0));
});
console.log("ready");
