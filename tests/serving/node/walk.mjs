// OpenAI's flow of fine-tuning by its own Node client: prints what test_node.py looks at, as JSON.
// node walk.mjs TRAINING_FILE; the server and the key come from OPENAI_BASE_URL and OPENAI_API_KEY.
import { createReadStream } from "node:fs";
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const { jobs, alpha } = client.fineTuning;
const rest = () => new Promise((done) => setTimeout(done, 100));
async function all(pages, of = (one) => one.id) {
  const found = [];
  for await (const one of pages) found.push(of(one));
  return found;
}

const file = await client.files.create({
  file: createReadStream(process.argv[2]),
  purpose: "fine-tune",
});
await client.files.waitForProcessing(file.id);
const content = await (await client.files.content(file.id)).text();
const bytes = (await client.files.retrieve(file.id)).bytes;
const files = await all(client.files.list({ limit: 1 }));

const hyperparameters = { n_epochs: 4, batch_size: 4 };
let job = await jobs.create({
  model: "pocket",
  training_file: file.id,
  seed: 3,
  suffix: "node",
  method: { type: "supervised", supervised: { hyperparameters } },
});
while (job.status !== "running") {
  await rest();
  job = await jobs.retrieve(job.id);
}
const paused = (await jobs.pause(job.id)).status;
const resumed = (await jobs.resume(job.id)).status;
while (!["succeeded", "failed", "cancelled"].includes(job.status)) {
  await rest();
  job = await jobs.retrieve(job.id);
}
if (job.status !== "succeeded") throw new Error(JSON.stringify(job.error));

const events = await all(jobs.listEvents(job.id, { limit: 3 }));
const said = await all(jobs.listEvents(job.id, { limit: 100 }), (event) => event.message);
const listed = await all(jobs.list({ limit: 1 }));
const checkpoints = await all(jobs.checkpoints.list(job.id), (one) => one.step_number);
const models = await all(client.models.list());
const model = (await client.models.retrieve(job.fine_tuned_model)).id;
const results = await (await client.files.content(job.result_files[0])).text();

const question = {
  model: job.fine_tuned_model,
  messages: [{ role: "user", content: "What are your opening hours?" }],
  temperature: 0,
  max_tokens: 12,
};
const whole = await client.chat.completions.create(question);
const pieces = [];
const stream = await client.chat.completions.create({
  ...question,
  stream: true,
  stream_options: { include_usage: true },
});
let usage = null;
for await (const chunk of stream) {
  pieces.push(chunk.choices[0]?.delta?.content ?? "");
  usage = chunk.usage ?? usage;
}
const several = await client.chat.completions.create({
  ...question, n: 2, temperature: 1, top_p: 0.9, seed: 1, logprobs: true, top_logprobs: 2,
});
const json = await client.chat.completions.create({
  ...question,
  messages: [{ role: "user", content: "Answer as JSON." }],
  max_tokens: 60,
  response_format: {
    type: "json_schema",
    json_schema: { name: "yes", schema: { type: "object", properties: { yes: { enum: [1] } } } },
  },
});

const grader = {
  type: "string_check", name: "same", operation: "eq",
  input: "{{ sample.output_text }}", reference: "{{ item.answer }}",
};
await alpha.graders.validate({ grader });
const graded = await alpha.graders.run({ grader, model_sample: "Ann", item: { answer: "Ann" } });

const second = await jobs.create({ model: "pocket", training_file: file.id });
const cancelled = (await jobs.cancel(second.id)).status;
const errors = {};
for (const [name, call] of Object.entries({
  unknown: () => jobs.retrieve("ftjob-nowhere"),
  again: () => jobs.cancel(second.id),
  twice: () => client.files.create({ file: createReadStream(process.argv[2]), purpose: "fine-tune" }),
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
    file: file.id, content, bytes, files, paused, resumed, events, said, listed, checkpoints,
    models, model, results, usage, cancelled, errors, deleted,
    job: job.id, tuned: job.fine_tuned_model, answer: whole.choices[0].message.content,
    streamed: pieces.join(""), counted: whole.usage, json: json.choices[0].message.content,
    several: several.choices.map((choice) => choice.logprobs.content.length),
    reward: graded.reward,
  }),
);
