export { runLoneTransaction, type LoneOutcome } from './lone-transaction.ts'
