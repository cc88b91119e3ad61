// The shapes of the worker's REST API, as the pages read and send them.
import type { Item, Json, Question } from "../widgets/element.ts";

export interface Assignment {
  id: string | number;
  task_id: string | number;
  item: Item;
  question: Question;
  lease_ends_at: string;
  price: string;
  currency: string;
}

export type AnswerValue = Record<string, Json>;

/** An answer, or (`broken`) why the item itself cannot be answered. */
export interface Submission {
  value?: AnswerValue;
  broken?: string;
  client_key: string;
  seconds: number;
  next: number;
}

export interface AnswerReceipt {
  id: string | number;
  assignment_id: string | number;
  replaceable_until: string;
}

export interface SubmitReply {
  answer: AnswerReceipt;
  next: Assignment[];
  earned: string;
}
