import { checkHistories } from "./support/checkHistories.ts";

checkHistories({ histories: 50 });
