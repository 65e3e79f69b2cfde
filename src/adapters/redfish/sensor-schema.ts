/** Lenient views of the places in which BMCs show sensors; see {@link ./schema.ts}. */
import { z } from 'zod';
import { link, list, number, object, status, text } from './schema.ts';

const threshold = object({ Reading: number });

export const sensorBody = z.object({
  Id: text,
  Name: text,
  ReadingType: text,
  ReadingUnits: text,
  Reading: number,
  SpeedRPM: number,
  PhysicalSubContext: text,
  Status: status,
  Thresholds: object({
    LowerFatal: threshold,
    LowerCritical: threshold,
    LowerCaution: threshold,
    UpperCaution: threshold,
    UpperCritical: threshold,
    UpperFatal: threshold,
  }),
});
export type SensorBody = z.infer<typeof sensorBody>;

/** An entry of any list in `Thermal` or `Power`. */
const entry = z.object({
  '@odata.id': text,
  MemberId: text,
  Name: text,
  FanName: text,
  ReadingCelsius: number,
  Reading: number,
  CurrentReading: number,
  ReadingUnits: text,
  Units: text,
  ReadingVolts: number,
  PowerConsumedWatts: number,
  LowerThresholdFatal: number,
  LowerThresholdCritical: number,
  LowerThresholdNonCritical: number,
  UpperThresholdNonCritical: number,
  UpperThresholdCritical: number,
  UpperThresholdFatal: number,
  Status: status,
});
export type SensorEntry = z.infer<typeof entry>;
export const thermalLists = z.object({ Temperatures: list(entry), Fans: list(entry) });
export const powerLists = z.object({ Voltages: list(entry), PowerControl: list(entry) });

/** What other resources say again of a sensor, and now and then say alone. */
const excerptBody = { DataSourceUri: text, DeviceName: text, Reading: number };
const excerpt = object(excerptBody);
const excerpts = list(z.object(excerptBody));
export type SensorExcerpt = NonNullable<z.infer<typeof excerpt>>;
export const environmentMetrics = z.object({
  TemperatureCelsius: excerpt,
  DewPointCelsius: excerpt,
  HumidityPercent: excerpt,
  PowerWatts: excerpt,
  EnergykWh: excerpt,
  FanSpeedsPercent: excerpts,
});
export const temperatureMetrics = z.object({ TemperatureReadingsCelsius: excerpts });

export const coolingSubsystem = z.object({ Fans: link, ThermalMetrics: link, LeakDetection: link });
export const fanBody = z.object({
  Id: text,
  Name: text,
  Status: status,
  SpeedPercent: object({ Reading: number, SpeedRPM: number }),
});
export const leakDetection = z.object({ LeakDetectors: link });
export const leakDetector = z.object({ Id: text, Name: text, DetectorState: text, Status: status });
