// What the snippet of docs/get-started.md takes from the package stripe.
declare module 'stripe' {
  namespace Stripe {
    interface Event {
      readonly id: string;
      readonly type: string;
      readonly data: { readonly object: object };
      readonly pending_webhooks: number;
    }
  }
  // biome-ignore lint/style/noDefaultExport: the package has it
  export default Stripe;
}
