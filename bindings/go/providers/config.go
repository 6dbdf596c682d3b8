package providers

// Config is what one call needs to know beside the request. It is read during the call and
// never kept. The zero Config is valid; which credentials are needed is the provider's rule.
type Config struct {
	Credentials   Credentials `json:"credentials"`
	AllowedModels []string    `json:"allowed_models"` // when not empty, no other model is sent
	DefaultModel  string      `json:"default_model"`  // the model when neither Model nor the body names one
	Model         string      `json:"model"`          // the model when the body names none

	// Carried, and not applied to a request body.
	MaxTokens    int      `json:"max_tokens,omitempty"`
	Temperature  float64  `json:"temperature,omitempty"`
	SystemPrompt string   `json:"system_prompt,omitempty"`
	Instructions []string `json:"instructions,omitempty"`

	// Options of the provider. Every provider takes "base_url", another address to reach it
	// at, and "headers", an object of headers to add.
	Options map[string]any `json:"options,omitempty"`

	Timeouts  *Timeouts  `json:"timeouts,omitempty"`
	Transport *Transport `json:"transport,omitempty"`
}

// Credentials are keys and identities.
type Credentials struct {
	ApiKey     string      `json:"api_key"` // on Vertex a ready bearer token
	AwsBedrock *AwsBedrock `json:"aws,omitempty"`
	Azure      *Azure      `json:"azure,omitempty"`
	Google     *Google     `json:"gcp,omitempty"`
}

// AwsBedrock is an AWS identity. Without keys the standard AWS sources are asked.
type AwsBedrock struct {
	Region       string `json:"region"`
	AccessKey    string `json:"access_key"`
	SecretKey    string `json:"secret_key"`
	SessionToken string `json:"session_token"`
	UseRole      bool   `json:"use_role"` // assume RoleARN with the identity found
	RoleARN      string `json:"role_arn"`
	ExternalID   string `json:"external_id,omitempty"`
	SessionName  string `json:"session_name,omitempty"`
}

// AzureAuthMode says how to authenticate against Azure.
type AzureAuthMode string

// The ways to authenticate against Azure. Without one, UseIdentity means the default chain, a
// client secret a service principal, and else the API key is sent.
const (
	AzureAuthModeAPIKey                 AzureAuthMode = "api_key"
	AzureAuthModeServicePrincipal       AzureAuthMode = "service_principal"
	AzureAuthModeDefaultAzureCredential AzureAuthMode = "default_azure_credential"
)

// Azure is a resource on Azure and the identity to reach it with.
type Azure struct {
	Endpoint     string        `json:"endpoint"` // https://NAME.openai.azure.com
	ApiVersion   string        `json:"api_version"`
	AuthMode     AzureAuthMode `json:"auth_mode"`
	UseIdentity  bool          `json:"use_identity"`
	TenantID     string        `json:"tenant_id"`
	ClientID     string        `json:"client_id"`
	ClientSecret string        `json:"client_secret"`
}

// Google is a Google Cloud identity, for Vertex. Without one, Credentials.ApiKey is a ready
// bearer token, and else the application default credentials are asked.
type Google struct {
	ServiceAccountJSON string `json:"service_account_json"` // the whole key file
}

// Timeouts are the deadlines of one call in milliseconds; 0 takes the library's setting.
type Timeouts struct {
	ConnectMS        int64 `json:"connect_ms,omitempty"`         // TCP and TLS together
	ResponseHeaderMS int64 `json:"response_header_ms,omitempty"` // until the response's headers
	IdleMS           int64 `json:"idle_ms,omitempty"`            // between two pieces of a stream
	TotalMS          int64 `json:"total_ms,omitempty"`           // the whole call
}

// Transport says how to reach the network; empty fields take the library's setting. Calls
// whose Transport is equal share connections.
type Transport struct {
	Proxy         *string `json:"proxy,omitempty"` // "" means none, whatever the environment says
	NoProxy       string  `json:"no_proxy,omitempty"`
	CAPEM         string  `json:"ca_pem,omitempty"`          // extra CA certificates
	ClientCertPEM string  `json:"client_cert_pem,omitempty"` // certificate chain and private key
}
