// Where the answer is given: holds the widget of the question's kind, and fetches it at first need.
import type { AnswerDetail, AnswerElement, Item, Json, Question } from "../widgets/element.ts";
import { WIDGETS } from "../widgets/registry.ts";
import type { Widget } from "../widgets/registry.ts";

export interface Shown {
  question: Question;
  /** null between two items: the widget stays, at rest, so that nothing moves. */
  item: Item | null;
  answer: Json;
}

export interface HostEvents {
  answered(detail: AnswerDetail): void;
  submit(): void;
  /** The widget could not be fetched. */
  failed(): void;
}

export class AnswerHost {
  private readonly elements = new Map<string, AnswerElement>();
  private kind = "";

  constructor(private readonly events: HostEvents) {}

  get widget(): Widget | undefined {
    return WIDGETS[this.kind];
  }

  get element(): AnswerElement | undefined {
    return this.elements.get(this.kind);
  }

  /** Returns the element, showing this; undefined for a kind that has none. */
  show({ question, item, answer }: Shown): AnswerElement | undefined {
    this.kind = question.kind;
    const element = this.element ?? this.make();
    if (element === undefined) return undefined;
    element.name = question.field;
    element.question = question;
    if (item !== null) element.item = item;
    element.value = answer;
    element.disabled = item === null;
    return element;
  }

  /** What keeps the answer from being sent; "" when nothing does. */
  missing(): string {
    return this.ready === undefined ? "One moment, the form is on its way" : this.ready.missing();
  }

  /** Takes back the last step within the answer; false when there is none. */
  undo(): boolean {
    return this.ready?.undo() ?? false;
  }

  redo(): void {
    this.ready?.redo();
  }

  /** An element's methods come with its file. */
  private get ready(): AnswerElement | undefined {
    const { element } = this;
    return element !== undefined && "missing" in element ? element : undefined;
  }

  private make(): AnswerElement | undefined {
    const widget = this.widget;
    if (widget === undefined) return undefined;
    const element = document.createElement(widget.tag) as AnswerElement;
    element.addEventListener("change", (event) => {
      if (event instanceof CustomEvent) this.events.answered(event.detail as AnswerDetail);
    });
    element.addEventListener("submit-request", () => this.events.submit());
    this.elements.set(this.kind, element);
    void widget.load?.().catch(() => this.events.failed());
    return element;
  }
}
