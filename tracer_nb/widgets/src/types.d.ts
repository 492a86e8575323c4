// What passes between page and kernel, and what the page finds beside the script.

/** Colours of a drawn picture, to those of each theme; written by the kernel before the script. */
declare const SHADES: Record<Theme, Record<string, string>>;

/** Terms, each in a sentence; written by the kernel before the script. */
declare const GLOSSARY: Record<string, string>;

/** The chart library, which is bundled with the script. */
declare function vegaEmbed(place: HTMLElement, spec: object, options: object): Promise<{ view: VegaView }>;

interface VegaView {
  data(name: string, values: object[]): VegaView;
  width(width: number): VegaView;
  toImageURL(kind: string, scale?: number): Promise<string>;
  runAsync(): Promise<VegaView>;
  finalize(): void;
  addEventListener(kind: string, listen: (event: unknown, item: { datum?: Datum } | null) => void): void;
}

type Theme = "light" | "dark";
/** A mark that was clicked: the fields of its data. */
type Datum = Record<string, number | undefined>;
/** Rows that a click chose. */
type Where = Record<string, unknown>;
/** Data sets of a chart, by name. */
type Data = Record<string, any[]>;

/** What a press sends; the kernel's table of actions is in panel/actions.py. */
type Press =
  | { do: "hello" | "bye"; viewer: string }
  | { do: "start" | "pause" | "resume" | "stop" | "gaps" | "audit" | "update" | "back" | "save" }
  | { do: "export"; kind: string }
  | { do: "draft" | "apply"; values: Record<string, string> }
  | { do: "target"; value: number }
  | { do: "rows"; where: Where; offset: number }
  | { do: "map"; method: string }
  | { do: "point"; row: number }
  | { do: "relabel"; row: number; label: string; note: string }
  | { do: "review"; row: number }
  | { do: "sit"; opened: boolean }
  | { do: "judge"; said: object };

/** What a part of the panel may want of the kernel; a report has none. */
interface Act {
  choose(target: number): void;
  open(where: Where): void;
  review(row: number): void;
  analyse(): void;
  audit(): void;
  update(): void;
  back(): void;
  save(): void;
  write(kind: string): void;
  sit(opened: boolean): void;
}

/** anywidget's model of the view's traits. */
interface Model {
  get(name: string): any;
  send(message: object): void;
  on(event: string, listen: (...values: any[]) => void): void;
  off(event: string, listen: (...values: any[]) => void): void;
}

interface Sheet {
  state: "idle" | "running" | "paused" | "stopped" | "failed" | "done";
  words: string;
  run: number;
  blocking: boolean;
  actions: string[];
  /** What a start would do, and what it costs. */
  start: string;
  message: string;
  newer: string;
  overview: Overview;
}

interface Fact {
  value: string;
  name: string;
}

interface Overview {
  kind: string;
  bill: string;
  /** The first figure is the bill's. */
  leads: boolean;
  head: string;
  facts: Fact[];
  lines: string[];
  /** What the promise says at length. */
  meaning: string[];
  card: string;
  tables: (Found & { folded: boolean })[];
}

interface Live {
  line: string;
  share: number | null;
  cells: Fact[];
  spent: number | null;
}

/** A setting of the job as the form shows it. */
interface Option {
  name: string;
  flag: string;
  hint: string;
  choices: string[];
  closed: boolean;
  long: boolean;
  group: string;
  value: string;
}

interface TargetChoice {
  target: number;
  name: string;
  certified: boolean;
  words: string;
}

/** A table of what was found. */
interface Found {
  title: string;
  head: string[];
  rows: { cells: string[]; where: Where }[];
}

/** A receipt, with what was asked for. */
interface Reply {
  heard?: number;
  rows?: { title: string; total: number; offset: number; rows: ShownRow[] };
  map?: { empty: boolean };
  point?: ShownRow | null;
  /** Where something was written. */
  written?: string;
  done?: { row: number; words: string };
  line?: string;
  aside?: string;
  problem?: string;
}

interface ShownRow {
  row: number;
  text: string;
  teacher: string | null;
  surrogate: string | null;
  score: string | null;
  far: boolean;
  status: string;
  by: string | null;
  explanation: string;
}
