/** Version of the product and of its published contracts; `package.json` says the same. */
export const productVersion = '0.1.0';
