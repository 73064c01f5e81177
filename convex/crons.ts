import { cronJobs } from "convex/server";
import { internal } from "./_generated/api.js";

const crons = cronJobs();

crons.interval("remove what is kept for a time only", { minutes: 10 }, internal.retention.sweep, {});
crons.interval("keep the change feed to its time", { hours: 1 }, internal.changes.retain, {});

export default crons;
