// A duration: a number and its unit.

import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import type { DurationText, DurationUnit } from "../lib/queue-settings";

const names: Record<DurationUnit, string> = { s: "Seconds", min: "Minutes", h: "Hours", d: "Days" };

interface Properties {
  what: string;
  duration: DurationText;
  change: (duration: DurationText) => void;
  units: DurationUnit[];
}

export function DurationInput({ what, duration, change, units }: Properties) {
  return (
    <SpaceBetween direction="horizontal" size="xs">
      <Input
        type="number"
        inputMode="numeric"
        step={1}
        value={duration.value}
        ariaLabel={what}
        onChange={({ detail }) => change({ ...duration, value: detail.value })}
      />
      <Select
        ariaLabel={`Unit of ${what}`}
        selectedOption={{ value: duration.unit, label: names[duration.unit] }}
        options={units.map((unit) => ({ value: unit, label: names[unit] }))}
        onChange={({ detail }) => change({ ...duration, unit: detail.selectedOption.value as DurationUnit })}
      />
    </SpaceBetween>
  );
}
