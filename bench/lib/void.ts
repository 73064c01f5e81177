/** A measurement that says nothing: an answer was wrong or missing. The run fails and writes no results. */
export class VoidMeasurement extends Error {}
