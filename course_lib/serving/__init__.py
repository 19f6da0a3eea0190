"""OpenAI's fine-tuning API on your own machine: files, jobs, events, checkpoints, models, chat.

The official ``openai`` client works with it by its ``base_url`` alone; training is the course's own
(`course_lib.training`), in a process of its own for each job.
"""
