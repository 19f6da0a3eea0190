// OpenAI's flow of fine-tuning by its own Node client: prints what test_node.py looks at, as JSON.
// node walk.mjs TRAINING_FILE; the server and the key come from OPENAI_BASE_URL and OPENAI_API_KEY.
import { createReadStream } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const file = await client.files.create({
  file: createReadStream(process.argv[2]),
  purpose: "fine-tune",
});
await client.files.waitForProcessing(file.id);
const content = await (await client.files.content(file.id)).text();

const hyperparameters = { n_epochs: 2, batch_size: 4 };
let job = await client.fineTuning.jobs.create({
  model: "pocket",
  training_file: file.id,
  seed: 3,
  suffix: "node",
  method: { type: "supervised", supervised: { hyperparameters } },
});
const paused = await client.fineTuning.jobs
  .pause(job.id)
  .then(() => client.fineTuning.jobs.resume(job.id))
  .then(() => "resumed", (error) => error.status);
while (!["succeeded", "failed", "cancelled"].includes(job.status)) {
  await new Promise((done) => setTimeout(done, 200));
  job = await client.fineTuning.jobs.retrieve(job.id);
}
if (job.status !== "succeeded") throw new Error(JSON.stringify(job.error));

const events = [];
for await (const event of client.fineTuning.jobs.listEvents(job.id, { limit: 3 })) {
  events.push(event.id);
}
const jobs = [];
for await (const one of client.fineTuning.jobs.list({ limit: 1 })) jobs.push(one.id);
const checkpoints = [];
for await (const one of client.fineTuning.jobs.checkpoints.list(job.id)) {
  checkpoints.push(one.step_number);
}
const models = [];
for await (const model of client.models.list()) models.push(model.id);
const results = await (await client.files.content(job.result_files[0])).text();

const question = {
  model: job.fine_tuned_model,
  messages: [{ role: "user", content: "What are your opening hours?" }],
  temperature: 0,
  max_tokens: 12,
};
const whole = await client.chat.completions.create(question);
const pieces = [];
const stream = await client.chat.completions.create({ ...question, stream: true });
for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta?.content ?? "");

const second = await client.fineTuning.jobs.create({ model: "pocket", training_file: file.id });
const cancelled = (await client.fineTuning.jobs.cancel(second.id)).status;
const errors = {};
for (const [name, call] of Object.entries({
  unknown: () => client.fineTuning.jobs.retrieve("ftjob-nowhere"),
  again: () => client.fineTuning.jobs.cancel(second.id),
  base: () => client.models.delete("pocket"),
  key: () => new OpenAI({ apiKey: "sk-wrong", maxRetries: 0 }).models.list(),
})) {
  errors[name] = await call().then(() => null, (error) => error.constructor.name);
}
const deleted = [
  (await client.models.delete(job.fine_tuned_model)).deleted,
  (await client.files.delete(file.id)).deleted,
];
console.log(
  JSON.stringify({
    content, paused, events, jobs, checkpoints, models, results, cancelled, errors, deleted,
    job: job.id, tuned: job.fine_tuned_model, answer: whole.choices[0].message.content,
    streamed: pieces.join(""),
  }),
);
