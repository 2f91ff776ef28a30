/** The account of one attempt. */
export {
  Account,
  type AccountOptions,
  type AccountRequest,
  type BeginDecision,
  type CallCharge,
  type CallEnd,
  type CallProgress,
  type GrantedCall,
} from "./account.ts";
